-- KEYS work; ARGV ttl_ms tickers chunks, or nothing: only look
-- Begins the work on an index, or finds the one that is under way.
-- Answers { fence, chunks, tickers } of either; { 0 } there is none.
local call = redis.call
local h = call('HMGET', KEYS[1], 'fence', 'chunks', 'tickers')
if h[1] then
  return { tonumber(h[1]), tonumber(h[2]), h[3] }
end
if #ARGV == 0 then
  return { 0 }
end
local clock = call('TIME')
local fence = clock[1] * 1000000 + clock[2]
call('HSET', KEYS[1], 'fence', string.format('%.0f', fence),
  'chunks', ARGV[3], 'tickers', ARGV[2])
call('PEXPIRE', KEYS[1], ARGV[1])
return { fence, tonumber(ARGV[3]), ARGV[2] }
