-- KEYS ready scheduled processing unique stats config failed completed
-- cancelled, whose hash tag the tasks' keys share; ARGV head_start_us poison
-- most
-- Takes back at most that many leases that ran out, promotes as many due tasks,
-- and forgets what the finished sets hold too much of.  Answers { leases, due }.
local READY, SCHEDULED, PROCESSING, UNIQUE, STATS, CONFIG, FAILED, COMPLETED,
  CANCELLED = unpack(KEYS)
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, HEAD, POISON = redis.call, tonumber(ARGV[1]), tonumber(ARGV[2])
local DAY, KEPT, ERRORS, MOST = 86400e6, 10000, 8, 1000
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local last = tonumber(call('HGET', CONFIG, 'last_ready') or 0)

local function text(v)
  return string.format('%.0f', v)
end

local function before_now(key)
  return call('ZRANGEBYSCORE', key, '-inf', text(now), 'LIMIT', 0, ARGV[3])
end

local function forget(ids)
  for i, id in ipairs(ids) do
    ids[i] = prefix .. id
  end
  if #ids > 0 then
    call('UNLINK', unpack(ids))
  end
end

-- The oldest of a finished set, by count and age.
local function cap(set, age)
  local over = math.min(call('ZCARD', set) - KEPT, MOST)
  if over > 0 then
    forget(call('ZRANGE', set, 0, over - 1))
    call('ZREMRANGEBYRANK', set, 0, over - 1)
  end
  local old = call('ZRANGEBYSCORE', set, '-inf', text(now - age), 'LIMIT', 0, 100)
  forget(old)
  if #old > 0 then
    call('ZREMRANGEBYRANK', set, 0, #old - 1)
  end
end

local function finish(id, key, work, set, status)
  if call('HGET', UNIQUE, work) == id then
    call('HDEL', UNIQUE, work)
  end
  call('HSET', key, 'status', status)
  call('HDEL', key, 'progress', 'cancel')
  call('ZADD', set, text(now), id)
end

local function promote(id)
  local key = prefix .. id
  local t = redis.pcall('HMGET', key, 'spec', 'status')
  local level = string.match(t[1] or '', '^%d')
  call('ZREM', SCHEDULED, id)
  if level and t[2] == 'scheduled' then
    last = math.max(last + 1, now)
    call('HSET', key, 'status', 'pending')
    call('ZADD', READY, text(last - level * HEAD), id)
  end
end

-- A lease that ran out.  The task keeps its place in line; where someone asked
-- for it by force meanwhile its losses are counted anew.
local function lost(id)
  local key = prefix .. id
  local t = redis.pcall('HMGET', key, 'spec', 'run', 'tries', 'cancel', 'rerun',
    'errors', 'status')
  call('ZREM', PROCESSING, id) -- never refused
  if not string.match(t[1] or '', '^%d%d') or t[7] ~= 'processing' then
    return
  end
  local work, level = string.sub(t[1], 3), string.sub(t[1], 1, 1)
  local owner, was, score =
    string.match(t[2] or '', '^%d+ (.*) (%d) (%S+)$')
  local runs, times = string.match(t[3] or '0 0', '(%d+) (%d+)')
  local n, why, rerun = tonumber(t[6] or 0), 'lost: the lease ran out', t[5]
  times = times + 1
  redis.pcall('HINCRBY', STATS, 'lost', 1)
  if times >= POISON then
    why = 'poison: ' .. times .. ' leases ran out'
  end
  why = text(math.floor(now / 1000)) .. ' ' .. why .. ', ' .. (owner or '')
  call('HSET', key, 'tries', runs .. ' ' .. (rerun and 0 or times), 'spec',
    level .. string.sub(t[1], 2, 2) % 2 + 6 .. work, 'errors', n + 1,
    'e' .. n % ERRORS + 1, string.sub(why, 1, 64))
  if t[4] and not rerun then
    redis.pcall('HINCRBY', STATS, 'cancelled', 1)
    return finish(id, key, work, CANCELLED, 'cancelled')
  elseif times >= POISON and not rerun then
    redis.pcall('HINCRBY', STATS, 'dead', 1)
    return finish(id, key, work, FAILED, 'failed')
  end
  call('HDEL', key, 'run', 'progress', 'rerun', 'cancel')
  if t[4] and tonumber(rerun) > now then -- cancelled, and wanted then
    call('HSET', key, 'status', 'scheduled')
    call('ZADD', SCHEDULED, rerun, id)
    return
  end
  call('HSET', key, 'status', 'pending')
  call('ZADD', READY, text((score or now) - (level - (was or 0)) * HEAD), id)
end

local leases, due = before_now(PROCESSING), before_now(SCHEDULED)
for _, id in ipairs(leases) do
  lost(id)
end
for _, id in ipairs(due) do
  promote(id)
end
if #due > 0 then
  call('HSET', CONFIG, 'last_ready', text(last))
end
-- Every so many tasks at the latest, see queue_claim.
redis.pcall('HSET', CONFIG, 'reaped', call('HGET', CONFIG, 'claimed') or 0)
cap(FAILED, 30 * DAY)
cap(COMPLETED, 7 * DAY)
cap(CANCELLED, 7 * DAY)
return { #leases, #due }
