-- KEYS work; ARGV ttl_ms tickers n chunks anew(0|1), or nothing: only look
-- Begins the work on an index, or finds the one that is under way; one that is
-- over goes on with what it lacks, or makes room for a new one (anew, or it is
-- as old as a work may become).
-- Answers { fence, chunks, tickers, 1: it is over, began } of either; { 0 }
-- there is none.
local call, key = redis.call, KEYS[1]
local LONGEST = 18000 * 1000000 -- as in handler_index.c
local h = call('HMGET', key, 'fence', 'chunks', 'tickers', 'over', 'began')
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local fence = string.format('%.0f', now)
if #ARGV == 0 then
  return h[1] and { tonumber(h[1]), tonumber(h[2]), h[3], h[4] and 1 or 0,
    tonumber(h[5]) } or { 0 }
elseif h[1] and not h[4] then
  return { tonumber(h[1]), tonumber(h[2]), h[3], 0, tonumber(h[5]) }
end
call('HSET', key, 'fence', fence) -- the first write: refused where it is full
if h[1] and ARGV[5] == '0' and now - h[5] < LONGEST then
  call('HDEL', key, 'over', 'why')
  for i = 1, tonumber(h[2]) do
    call('HDEL', key, 'end:' .. i, 'task:' .. i)
  end
  return { now, tonumber(h[2]), h[3], 0, tonumber(h[5]) }
end
call('DEL', key)
call('HSET', key, 'fence', fence, 'began', fence, 'tickers', ARGV[2],
  'n', ARGV[3], 'chunks', ARGV[4])
call('PEXPIRE', key, ARGV[1])
return { now, tonumber(ARGV[4]), ARGV[2], 0, now }
