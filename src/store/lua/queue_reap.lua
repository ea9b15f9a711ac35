-- KEYS of queue.c, whose hash tag the tasks' keys share; ARGV head_start_us
-- poison most
-- Takes back at most that many leases that ran out, and promotes as many due
-- tasks.  Answers { leases, due }.
local READY, SCHEDULED, PROCESSING = KEYS[1], KEYS[2], KEYS[3]
local UNIQUE, STATS, CONFIG = KEYS[4], KEYS[5], KEYS[6]
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, HEAD, POISON = redis.call, tonumber(ARGV[1]), tonumber(ARGV[2])
local DAY, KEPT, ERRORS = 86400e6, 10000, 8
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function text(v)
  return string.format('%.0f', v)
end

local function before_now(key)
  return call('ZRANGEBYSCORE', key, '-inf', text(now), 'LIMIT', 0, ARGV[3])
end

-- Forget the oldest of a finished set, by count or age.
local function cap(key, age)
  local over = math.min(call('ZCARD', key) - KEPT, 200)
  local ids = over > 0 and call('ZRANGE', key, 0, over - 1) or
    call('ZRANGEBYSCORE', key, '-inf', text(now - age), 'LIMIT', 0, 20)
  if #ids > 0 then
    call('ZREM', key, unpack(ids))
    for i, id in ipairs(ids) do
      ids[i] = prefix .. id
    end
    call('UNLINK', unpack(ids))
  end
end

local function finish(id, key, t, set, status)
  call('HDEL', UNIQUE, t[2] .. '|' .. t[3] .. '|' .. t[4])
  call('HSET', key, 'status', status, 'finished', text(now))
  call('HDEL', key, 'progress', 'cancel')
  call('ZADD', set, text(now), id)
end

-- A lease that ran out.  The task keeps its place in line; someone who asked
-- for it by force meanwhile begins its count anew.
local function lost(id)
  local key = prefix .. id
  local t = call('HMGET', key, 'status', 'type', 'index', 'sector', 'priority',
    'ready', 'lost', 'cancel', 'rerun', 'owner', 'errors')
  call('ZREM', PROCESSING, id) -- never refused
  if not t[1] then
    return
  end
  local times = tonumber(t[7] or 0) + 1
  local n, why = tonumber(t[11] or 0), 'lost: the lease ran out'
  call('HINCRBY', STATS, 'lost', 1)
  if times >= POISON then
    why = 'poison: ' .. times .. ' leases ran out'
  end
  why = text(math.floor(now / 1000)) .. ' ' .. why .. ', ' .. (t[10] or '')
  call('HSET', key, 'lost', times, 'errors', n + 1, 'e' .. n % ERRORS + 1,
    string.sub(why, 1, 64))
  if t[8] and not t[9] then
    call('HINCRBY', STATS, 'cancelled', 1)
    return finish(id, key, t, KEYS[9], 'cancelled')
  elseif times >= POISON and not t[9] then
    call('HINCRBY', STATS, 'dead', 1)
    return finish(id, key, t, KEYS[7], 'failed')
  end
  call('HSET', key, 'status', 'pending')
  call('HDEL', key, 'owner', 'progress', 'rerun', 'cancel', t[9] and 'lost' or 'rerun')
  call('ZADD', READY, text((tonumber(t[6]) or now) - (tonumber(t[5]) or 1) * HEAD), id)
end

local last
local function promote(id)
  local key = prefix .. id
  local level = call('HGET', key, 'priority')
  call('ZREM', SCHEDULED, id)
  if level then
    last = last or tonumber(call('HGET', CONFIG, 'last_ready') or 0)
    last = math.max(last + 1, now)
    call('HSET', key, 'status', 'pending', 'ready', text(last))
    call('ZADD', READY, text(last - level * HEAD), id)
  end
end

local leases, due = before_now(PROCESSING), before_now(SCHEDULED)
for _, id in ipairs(leases) do
  lost(id)
end
for _, id in ipairs(due) do
  promote(id)
end
if last then
  call('HSET', CONFIG, 'last_ready', text(last))
end
if #leases > 0 then
  cap(KEYS[7], 30 * DAY)
  cap(KEYS[9], 7 * DAY)
end
return { #leases, #due }
