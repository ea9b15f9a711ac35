-- KEYS work
-- Answers { 0 } there is none, else { fence, age_us, n, kept, chunks, over or
-- '', why or '' }, then of each chunk the id of its task ('': it has none) and
-- 1 where it has ended, else 0.  Reads only.
local call, key = redis.call, KEYS[1]
local h = call('HMGET', key, 'fence', 'n', 'chunks', 'over', 'why', 'began')
if not h[1] then
  return { 0 }
end
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
-- All fields but the records are known.
local others = 5 + (h[4] and 1 or 0) + (h[5] and 1 or 0)
local out = { tonumber(h[1]), now - h[6], tonumber(h[2]), 0, tonumber(h[3]),
  h[4] or '', h[5] or '' }
for i = 1, out[5] do
  local c = call('HMGET', key, 'task:' .. i, 'end:' .. i)
  out[#out + 1], out[#out + 2] = c[1] or '', c[2] and 1 or 0
  others = others + (c[1] and 1 or 0) + (c[2] and 1 or 0)
end
out[4] = call('HLEN', key) - others
return out
