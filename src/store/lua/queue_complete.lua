-- KEYS ready scheduled processing unique stats config completed, whose hash tag
-- the tasks' keys share; ARGV head_start_us, then of each task id, run and
-- result
-- Answers how many were not the caller's any more.
local READY, SCHEDULED, PROCESSING, UNIQUE, STATS, CONFIG, COMPLETED =
  unpack(KEYS)
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, ARGV, sub = redis.call, ARGV, string.sub
local clock = call('TIME')
local finished = clock[1] .. sub('00000' .. clock[2], -6)

-- Asked for by force while it ran: it begins anew, now or when that is due.
local function again(id, spec, due)
  local key, now = prefix .. id, tonumber(finished)
  call('HDEL', key, 'rerun', 'cancel', 'tries', 'run', 'progress', 'put_off')
  call('HSET', key, 'spec', sub(spec, 1, 1) .. sub(spec, 2, 2) % 2 .. sub(spec, 3))
  if tonumber(due) > now then
    call('HSET', key, 'status', 'scheduled')
    call('ZADD', SCHEDULED, due, id)
    return
  end
  local last = tonumber(call('HGET', CONFIG, 'last_ready') or 0)
  last = math.max(last + 1, now)
  call('HSET', key, 'status', 'pending')
  call('ZADD', READY, last - sub(spec, 1, 1) * ARGV[1], id)
  call('HSET', CONFIG, 'last_ready', string.format('%.0f', last))
end

local ours, keys, works, results, n, reruns = {}, {}, {}, {}, 0, nil
for i = 2, #ARGV, 3 do
  local key = prefix .. ARGV[i]
  local t = call('HMGET', key, 'run', 'status', 'spec', 'rerun')
  if t[1] == ARGV[i + 1] and t[2] == 'processing' then
    n = n + 1
    ours[n], keys[n], works[n] = ARGV[i], key, sub(t[3], 3)
    results[n] = ARGV[i + 2]
    if t[4] then
      reruns = reruns or {}
      reruns[n] = t
    end
  end
end
local lost = (#ARGV - 1) / 3 - n
if n == 0 then
  return lost
end
local holders = call('HMGET', UNIQUE, unpack(works))

call('ZREM', PROCESSING, unpack(ours)) -- never refused
-- By pcall what must not stop the rest: a key of another type.
local ended, freed, e, f = {}, {}, 0, 0
for i = 1, n do
  local t = reruns and reruns[i]
  if t then
    again(ours[i], t[3], t[4])
  else
    call('HSET', keys[i], 'status', 'completed', 'result', results[i])
    ended[e + 1], ended[e + 2], e = finished, ours[i], e + 2
    if holders[i] == ours[i] then
      f = f + 1
      freed[f] = works[i]
    end
  end
end
if f > 0 then
  call('HDEL', UNIQUE, unpack(freed))
end
if e > 0 then
  redis.pcall('ZADD', COMPLETED, unpack(ended))
end
redis.pcall('HINCRBY', STATS, 'done', n)
return lost
