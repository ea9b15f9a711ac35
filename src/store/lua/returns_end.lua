-- KEYS work; ARGV fence chunk why ('': it did not fail)
-- A chunk has ended, one way or the other.  Answers how many have not; -1
-- where that work is over or forgotten.
local call = redis.call
local h = call('HMGET', KEYS[1], 'fence', 'chunks', 'over')
if h[1] ~= ARGV[1] or h[3] then
  return -1
end
call('HSET', KEYS[1], 'end:' .. ARGV[2], '1')
if ARGV[3] ~= '' then
  call('HSET', KEYS[1], 'why', ARGV[3])
end
local left = 0
for i = 1, tonumber(h[2]) do
  left = left + 1 - call('HEXISTS', KEYS[1], 'end:' .. i)
end
return left
