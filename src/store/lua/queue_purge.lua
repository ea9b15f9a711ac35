-- KEYS failed completed cancelled, whose hash tag the tasks' keys share; ARGV
-- older_us most
-- Forgets finished tasks that ended longer ago than that.  Answers how many.
local prefix = string.sub(KEYS[1], 1, -7) .. 'task:'
local call, left = redis.call, tonumber(ARGV[2])
local clock = call('TIME')
local before = clock[1] * 1000000 + clock[2] - ARGV[1]
local n = 0

for _, set in ipairs(KEYS) do
  local ids = call('ZRANGEBYSCORE', set, '-inf',
    string.format('%.0f', before), 'LIMIT', 0, left - n)
  if #ids > 0 then
    call('ZREM', set, unpack(ids))
    for at, id in ipairs(ids) do
      ids[at] = prefix .. id
    end
    call('UNLINK', unpack(ids))
    n = n + #ids
  end
end
return n
