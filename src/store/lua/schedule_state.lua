-- KEYS slots ready scheduled processing failed completed cancelled, then the
-- list of runs of each job
-- Read-only.  Answers { now_us, the sizes of the six, slots flat, the newest
-- run of each list or '' }.
local call = redis.call
local clock = call('TIME')
local out = { clock[1] * 1000000 + clock[2] }
for i = 2, 7 do
  out[i] = call('ZCARD', KEYS[i])
end
out[8] = call('HGETALL', KEYS[1])
for i = 8, #KEYS do
  out[#out + 1] = call('LRANGE', KEYS[i], 0, 0)[1] or ''
end
return out
