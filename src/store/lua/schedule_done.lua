-- KEYS slots runs; ARGV slot run record history
-- An accepted slot is done: the record goes before the other runs, with the
-- end behind it.  Of the slots that are done, the newest three of a job stay.
-- Answers 1, or 0 where another run holds it or it was done already.
local call, slot, run = redis.call, ARGV[1], ARGV[2]
local clock = call('TIME')
local now = string.format('%.0f', clock[1] * 1000000 + clock[2])
local is = call('HGET', KEYS[1], slot) or ''
local accepted, by, done = string.match(is, '^(%d+) (%S+)(.*)')
local held = call('HGET', KEYS[1], 'lease:' .. slot)
if not accepted or done ~= '' or
  string.match(held or '', ' (%S+)$') ~= run then
  return 0
end
call('HSET', KEYS[1], slot, accepted .. ' ' .. by .. ' done')
call('HDEL', KEYS[1], 'lease:' .. slot)
call('LPUSH', KEYS[2], ARGV[3] .. ' ' .. now)
call('LTRIM', KEYS[2], 0, ARGV[4] - 1)

local job, old = string.match(slot, '^%a+:'), {}
local all = call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if string.sub(all[i], 1, #job) == job and
    string.sub(all[i + 1], -5) == ' done' then
    old[#old + 1] = all[i]
  end
end
table.sort(old)
for i = 1, #old - 3 do
  call('HDEL', KEYS[1], old[i])
end
return 1
