-- KEYS meta; ARGV weight
-- The dataset is read: the day counts for this hour, once, whoever and how many
-- read it at the same time.  Answers 1, or 0 where it was counted before.
local call, key = redis.call, KEYS[1]
local clock = call('TIME')
local hour = string.format('%d', math.floor(clock[1] / 3600))
if call('HGET', key, 'counted_hour') == hour then
  return 0
end
call('HSET', key, 'counted_hour', hour) -- refused where Redis is full
call('HINCRBYFLOAT', key, string.format('h%02d', hour % 24), ARGV[1])
call('HSETNX', key, 'hours_since_ms',
  string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000)))
return 1
