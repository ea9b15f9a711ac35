-- KEYS work; ARGV fence chunk
-- A chunk has ended, one way or the other.  Answers 1 to the chunk that was
-- the last (and to it again), which is to write the document; 0 to others, and
-- where that work is over.
local call = redis.call
local h = call('HMGET', KEYS[1], 'fence', 'chunks', 'last')
if h[1] ~= ARGV[1] then
  return 0
end
call('HSET', KEYS[1], 'end:' .. ARGV[2], '1')
if h[3] then
  return h[3] == ARGV[2] and 1 or 0
end
for i = 1, tonumber(h[2]) do
  if call('HEXISTS', KEYS[1], 'end:' .. i) == 0 then
    return 0
  end
end
call('HSET', KEYS[1], 'last', ARGV[2])
return 1
