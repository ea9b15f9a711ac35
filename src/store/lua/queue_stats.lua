-- KEYS of queue.c, whose hash tag the tasks' keys share; ARGV names of
-- counters
-- Read-only.  Answers { now_us pending scheduled processing failed completed
-- oldest expired pause_until done_minute failed_minute, 4 of pending by
-- priority or -1, the counters, paused, pause_reason }.
local READY, PROCESSING, FAILED, COMPLETED = KEYS[1], KEYS[3], KEYS[7], KEYS[8]
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call = redis.call
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local MINUTE, COUNTED = 60e6, 500

local function text(v)
  return string.format('%.0f', v)
end

-- Ended within the last minute, as far as they are kept.
local function rate(key)
  return call('ZCOUNT', key, text(now - MINUTE), '+inf')
end

local size = {}
for i = 1, 3 do
  size[i] = call('ZCARD', KEYS[i])
end
size[4], size[5] = call('ZCARD', FAILED), call('ZCARD', COMPLETED)
local oldest, line = 0, { -1, -1, -1, -1 }
local head = call('ZRANGE', READY, 0, 0)[1]
if head then
  oldest = tonumber(call('HGET', prefix .. head, 'ready') or 0)
end
if size[1] <= COUNTED then
  line = { 0, 0, 0, 0 }
  for _, id in ipairs(call('ZRANGE', READY, 0, -1)) do
    local at = tonumber(call('HGET', prefix .. id, 'priority') or 0) + 1
    line[at] = line[at] + 1
  end
end
local c = call('HMGET', KEYS[6], 'paused', 'pause_until', 'pause_reason',
  'claimed')
local stop = tonumber(c[2] or 0)
local paused = c[1] and (stop == 0 or stop > now)
local out = { now, size[1], size[2], size[3], size[4], size[5], oldest,
  call('ZCOUNT', PROCESSING, '-inf', text(now)),
  paused and stop or 0, rate(COMPLETED), rate(FAILED),
  line[1], line[2], line[3], line[4] }
for i, v in ipairs(call('HMGET', KEYS[5], unpack(ARGV))) do
  -- this one is written with the token, in one go
  v = ARGV[i] == 'claimed' and c[4] or v
  out[#out + 1] = tonumber(v or 0)
end
out[#out + 1] = paused and 1 or 0
out[#out + 1] = paused and c[3] or ''
return out
