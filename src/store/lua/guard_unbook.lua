-- KEYS guard; ARGV booking
-- Gives the booked calls of the day back that were not made; answers how many
-- they were.
local key, mine = KEYS[1], tonumber(ARGV[1])
local kept, left = {}, 0

for one in string.gmatch(redis.call('HGET', key, 'booked') or '', '%S+') do
  local id, n = string.match(one, '^(%d+):(%d+):')
  if tonumber(id) == mine then
    left = tonumber(n)
  else
    kept[#kept + 1] = one
  end
end
if left > 0 then
  -- Not refused by a full Redis, and so what follows is not: it shrinks.
  redis.call('PERSIST', key)
  redis.call('HSET', key, 'booked', table.concat(kept, ' '))
end
return left
