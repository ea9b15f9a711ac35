-- KEYS work; ARGV fence, and what is said of it: it is over, but stays; or
-- nothing: its document is written, and it is forgotten.  Answers 0 where it
-- is forgotten already.
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then
  return 0
elseif ARGV[2] then
  redis.call('HSET', KEYS[1], 'over', ARGV[2])
  return 1
end
return redis.call('DEL', KEYS[1])
