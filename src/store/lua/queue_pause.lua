-- KEYS config; ARGV
-- pause(1|0) reason for_us (0: without end)
local CONFIG = KEYS[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

if ARGV[1] ~= '1' then
  redis.call('HDEL', CONFIG, 'paused', 'pause_reason', 'pause_until')
  return 0
end
local stop = ARGV[3] == '0' and 0 or now + ARGV[3]
redis.call('HSET', CONFIG, 'paused', string.format('%.0f', now),
  'pause_reason', ARGV[2], 'pause_until', string.format('%.0f', stop))
return 0
