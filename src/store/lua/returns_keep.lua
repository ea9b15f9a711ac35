-- KEYS work; ARGV fence, then fields and their values
-- Answers 1, or 0 where that work is over.
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
