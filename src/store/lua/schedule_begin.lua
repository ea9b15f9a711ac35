-- KEYS slots; ARGV slot run lease_us
-- Holds an accepted slot for a run, or holds it longer; until it is held first
-- it is its acceptor's, for as long.  Answers { code, now_us, accepted_us }: 0
-- held, 1 done already, 2 a living run holds it, 3 nobody accepted it.
local call, slot, run = redis.call, ARGV[1], ARGV[2]
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local is = call('HGET', KEYS[1], slot)
if not is then
  return { 3, now }
end
local accepted, by, done = string.match(is, '^(%d+) (%S+)(.*)')
if not accepted or done ~= '' then
  return { 1, now }
end
local held = call('HGET', KEYS[1], 'lease:' .. slot)
local till, who = string.match(held or '', '^(%d+) (%S+)$')
if not who then
  till, who = accepted + ARGV[3], by
end
if who ~= run and tonumber(till) > now then
  return { 2, now }
end
call('HSET', KEYS[1], 'lease:' .. slot,
  string.format('%.0f %s', now + ARGV[3], run))
return { 0, now, accepted }
