-- KEYS work; ARGV fence, then fields and their values
-- Answers 1, or 0 where that work is over or forgotten.
local h = redis.call('HMGET', KEYS[1], 'fence', 'over')
if h[1] ~= ARGV[1] or h[2] then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
