-- KEYS work; ARGV fence
-- The document is written: that work is over.  Answers whether it was.
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
