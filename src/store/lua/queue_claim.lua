-- KEYS of queue.c, whose hash tag the tasks' keys share; ARGV owner lease_us
-- most reap(0|1), then the types that are taken: name light(0|1)
-- Answers { 1 } where leases have run out or tasks are due and reap is 1:
-- queue_reap comes first.  Else { 0, now_us, lease end, first token, next_us
-- or -1, task … }; a task is its fields in the order of queue_read.c and id.
local READY, SCHEDULED, PROCESSING = KEYS[1], KEYS[2], KEYS[3]
local CONFIG = KEYS[6]
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, owner, most = redis.call, ARGV[1], tonumber(ARGV[3])
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local WINDOW, STEP = 100, 20 -- looked at for a type that is taken

-- '%.0f' is slow: once for all but the last digits.
local high = {}
local function text(v)
  local low = v % 10000
  local h = high[v - low] or string.format('%.0f', (v - low) / 10000)
  high[v - low] = h
  return h .. string.format('%04d', low)
end

local started = clock[1] .. string.sub('00000' .. clock[2], -6) -- now
local function is_due(key)
  return call('ZRANGEBYSCORE', key, '-inf', started, 'LIMIT', '0', '1')[1]
end

local function first(key)
  return tonumber(call('ZRANGE', key, '0', '0', 'WITHSCORES')[2] or math.huge)
end

if ARGV[4] == '1' and (is_due(PROCESSING) or is_due(SCHEDULED)) then
  return { 1 }
end

local light = {}
for i = 5, #ARGV, 2 do
  light[ARGV[i]] = ARGV[i + 1]
end

-- The first in line of a type that is taken decides: alone, or with those
-- light ones behind it that overtake nothing.
local ids, tasks, strays = {}, {}, {}
local function pick()
  local from, step = 0, most
  while from < WINDOW do
    local head = call('ZRANGE', READY, from, from + step - 1)
    for _, id in ipairs(head) do
      local t = call('HMGET', prefix .. id, 'type', 'index', 'sector', 'force',
        'priority', 'retry_count', 'lost', 'created', 'ready')
      local kind = light[t[1]]
      -- Whose worker died goes alone: it must not take others with it.
      local alone = kind == '0' or (kind and tonumber(t[7] or 0) > 0)
      if not t[1] then
        strays[#strays + 1] = id
      elseif kind and (not alone or #ids == 0) then
        ids[#ids + 1] = id
        t[10] = id
        tasks[#tasks + 1] = t
      end
      if alone or #ids == most then
        return
      end
    end
    if #head < step then
      return
    end
    from, step = from + step, STEP
  end
end

local c = call('HMGET', CONFIG, 'token', 'paused', 'pause_until', 'claimed')
local stop = c[2] and tonumber(c[3] or 0)
local paused = stop and (stop == 0 or stop > now)
if not paused then
  pick()
end
local due = -1
if #ids == 0 then
  due = math.min(first(PROCESSING), first(SCHEDULED),
    paused and stop > 0 and stop or math.huge)
  due = due < math.huge and due or -1
end

local lease_end = now + tonumber(ARGV[2])
-- Tokens are never below the time, so that not even a Redis that lost its
-- last second gives one twice.
local token = math.max(tonumber(c[1] or 0) + 1, now)
-- The first write is ZREM: a full Redis does not refuse it, nor what follows.
if #strays > 0 then
  call('ZREM', READY, unpack(strays))
end
if #ids > 0 then
  local leases, lease, ours = {}, text(lease_end), nil
  call('ZREM', READY, unpack(ids))
  for i, id in ipairs(ids) do
    ours = text(token + i - 1)
    call('HSET', prefix .. id, 'status', 'processing', 'token', ours,
      'owner', owner, 'started', started)
    leases[2 * i - 1], leases[2 * i] = lease, id
  end
  call('ZADD', PROCESSING, unpack(leases))
  call('HSET', CONFIG, 'token', ours,
    'claimed', string.format('%d', (c[4] or 0) + #ids))
end
local out = { 0, now, lease_end, token, due }
for i, t in ipairs(tasks) do
  out[5 + i] = t
end
return out
