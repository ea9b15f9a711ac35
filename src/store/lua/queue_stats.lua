-- KEYS ready scheduled processing failed completed stats config, whose hash tag
-- the tasks' keys share; ARGV head_start_us, then names of counters
-- Read-only.  Answers { now_us pending scheduled processing failed completed
-- oldest expired pause_until done_minute failed_minute, 4 of pending by
-- priority or -1, the counters, paused, pause_reason }.
local READY, SCHEDULED, PROCESSING, FAILED, COMPLETED, STATS, CONFIG =
  unpack(KEYS)
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, HEAD = redis.call, tonumber(ARGV[1])
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

local function level(id)
  local spec = redis.pcall('HMGET', prefix .. id, 'spec')[1]
  return tonumber(string.sub(spec or '', 1, 1)) or 0
end

local pending = call('ZCARD', READY)
local oldest, line = 0, { -1, -1, -1, -1 }
local head = call('ZRANGE', READY, 0, 0, 'WITHSCORES')
if head[1] then
  oldest = head[2] + level(head[1]) * HEAD
end
if pending <= COUNTED then
  line = { 0, 0, 0, 0 }
  for _, id in ipairs(call('ZRANGE', READY, 0, -1)) do
    local at = level(id) + 1
    line[at] = (line[at] or 0) + 1
  end
end
local c = call('HMGET', CONFIG, 'paused', 'pause_until', 'pause_reason',
  'claimed')
local stop = tonumber(c[2] or 0)
local paused = c[1] and (stop == 0 or stop > now)
local out = { now, pending, call('ZCARD', SCHEDULED), call('ZCARD', PROCESSING),
  call('ZCARD', FAILED), call('ZCARD', COMPLETED), oldest,
  call('ZCOUNT', PROCESSING, '-inf', text(now)),
  paused and stop or 0, rate(COMPLETED), rate(FAILED),
  line[1], line[2], line[3], line[4] }
local counters = redis.pcall('HMGET', STATS, unpack(ARGV, 2))
for i = 1, #ARGV - 1 do
  local v = counters[i]
  -- this one is written with the token, in one go
  v = ARGV[i + 1] == 'claimed' and c[4] or v
  out[#out + 1] = tonumber(v or 0)
end
out[#out + 1] = paused and 1 or 0
out[#out + 1] = paused and c[3] or ''
return out
