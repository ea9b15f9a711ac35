-- KEYS ready scheduled unique stats config slots aliases, whose hash tag the
-- tasks' keys share; ARGV head_start_us, 4 limits, slot and its run ('' none),
-- 1 where an id was given or work is twice in it (0: nobody knows the ids),
-- then groups of tasks alike: how ("0126": id given, force, priority,
-- delay_us), count, then id and work of each.
-- Answers a digit each, 0 new, 1 merged, 2 same, 3 full, then the
-- ids that the merged went into; '' and why a slot is not accepted: 'taken',
-- 'older', 'stopped', 'full'.
local READY, LATER, UNIQUE, STATS, CONFIG, SLOTS, ALIASES = unpack(KEYS)
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, ARGV, min, sub = redis.call, ARGV, math.min, string.sub
local HEAD, careful = tonumber(ARGV[1]), ARGV[8] == '1'
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local created = clock[1] .. sub('00000' .. clock[2], -6)

local ids, works, hows, n, a = {}, {}, {}, 0, 9
while ARGV[a] do
  local how, stop = ARGV[a], a + 2 * ARGV[a + 1]
  local level = sub(how, 3, 3)
  local h = { given = sub(how, 1, 1) == '1', force = sub(how, 2, 2) == '1',
    level = tonumber(level), delay = tonumber(sub(how, 4)),
    start = level .. sub(how, 2, 2), most = tonumber(ARGV[level + 2]) }
  for at = a + 2, stop, 2 do
    n = n + 1
    ids[n], works[n], hows[n] = ARGV[at], ARGV[at + 1], h
  end
  a = stop + 2
end

-- Read before the first write: a key of another type changes nothing.
local holders = n > 0 and call('HMGET', UNIQUE, unpack(works))
local last = tonumber(call('HGET', CONFIG, 'last_ready') or 0)
local waiting = call('ZCARD', READY) + call('ZCARD', LATER)

if ARGV[6] ~= '' then
  local slot, all = ARGV[6], call('HGETALL', SLOTS)
  local job = string.match(slot, '^%a+:')
  for i = 1, #all, 2 do
    local name, digit = all[i], sub(all[i + 1], 1, 1)
    local why = name == slot and 'taken' or
      name .. digit == 'switch0' and 'stopped' or
      name > slot and sub(name, 1, #job) == job and
      tonumber(digit) and 'older'
    if why then
      return { '', why }
    end
  end
  local room = waiting
  for i = 1, n do -- all of them, or none
    room = holders[i] and room or room + 1
    if not holders[i] and room > hows[i].most then
      return { '', 'full' }
    end
  end
  call('HSET', SLOTS, slot, created .. ' ' .. ARGV[7])
end

local function place() -- never the same twice
  last = last < now and now or last + 1
  return last
end

local line, new, l, u = {}, {}, 0, 0
local function flush()
  l = l > 0 and call('ZADD', READY, unpack(line))
  u = u > 0 and call('HSET', UNIQUE, unpack(new))
  line, new, l, u = {}, {}, 0, 0
end

-- Equal work is asked for again; false: the holder has ended.
local function merge(id, force, level, delay)
  flush()
  local key = prefix .. id
  local t = redis.pcall('HMGET', key, 'status', 'spec', 'cancel', 'rerun',
    'asked')
  local status = t[1]
  local was, flags = string.match(t[2] or '', '^([0-3])([0-7])')
  if not was or status ~= 'pending' and status ~= 'scheduled' and
    status ~= 'processing' then
    return false
  end
  level = math.max(level, was)
  local ran = tonumber(flags) >= 4
  flags = force and flags % 2 == 0 and flags + 1 or flags
  call('HSET', key, 'spec', level .. flags .. sub(t[2], 3),
    unpack((force or tonumber(t[5] or 0) > now) and { 'asked', created } or {}))
  if status == 'processing' then
    if force or t[3] then
      call('HSET', key, 'rerun', min(now + delay, tonumber(t[4]) or 2 ^ 53))
    end
  elseif status == 'pending' then
    local at = call('ZSCORE', READY, id) or place() - was * HEAD
    call('ZADD', READY, at - (level - was) * HEAD, id)
  elseif not ran and delay == 0 then -- a retry keeps its time
    call('ZREM', LATER, id)
    call('HSET', key, 'status', 'pending')
    call('ZADD', READY, place() - level * HEAD, id)
  elseif not ran then
    local due = call('ZSCORE', LATER, id)
    call('ZADD', LATER, min(due or 2 ^ 53, now + delay), id)
  end
  return true
end

-- A given id leads to the task that does its work, for a week.
local function alias(key, id, holder)
  call('HSET', key, 'as', holder)
  call('EXPIRE', key, 7 * 86400)
  call('RPUSH', ALIASES, id)
  if call('LLEN', ALIASES) > 10000 then
    call('UNLINK', prefix .. call('LPOP', ALIASES))
  end
end

-- Not new: what became of it, and its task.
local mine = {}
local function known(id, work, holder, h)
  local key = prefix .. id
  holder = mine[work] or holder
  if (h.given or mine[id]) and call('EXISTS', key) == 1 then
    holder = redis.pcall('HGET', key, 'as') -- merged then
    return type(holder) == 'string' and '1' or '2', holder
  elseif holder and merge(holder, h.force, h.level, h.delay) then
    if h.given then
      alias(key, id, holder)
    end
    return '1', holder
  end
  mine[work], mine[id] = id, true
end

-- The first write of all is an HSET, or counts: a full Redis refuses the whole.
local codes, out, fresh, refused = {}, {}, 0, 0
for i = 1, n do
  local id, work, h, holder, what = ids[i], works[i], hows[i], holders[i], nil
  local later = h.delay > 0
  if careful or holder then
    what, holder = known(id, work, holder, h)
    out[#out + 1] = what == '1' and holder or nil
  end
  if what then
    codes[i] = what
  elseif waiting >= h.most then
    codes[i], refused = '3', refused + 1
  else
    codes[i], fresh, waiting = '0', fresh + 1, waiting + 1
    call('HSET', prefix .. id, 'spec', h.start .. work, 'status',
      later and 'scheduled' or 'pending', 'created', created)
    if later then
      call('ZADD', LATER, now + h.delay, id)
      if h.force and ARGV[6] == '' then -- else any before will do
        call('HSET', prefix .. id, 'asked', now + h.delay)
      end
    else
      line[l + 1], line[l + 2], l = place() - h.level * HEAD, id, l + 2
    end
    new[u + 1], new[u + 2], u = work, id, u + 2
  end
end
flush()
for name, by in pairs({ enqueued = fresh, merged = #out, refused = refused }) do
  if by > 0 then
    redis.pcall('HINCRBY', STATS, name, by)
  end
end
if fresh + #out > 0 then
  call('HSET', CONFIG, 'last_ready', string.format('%.0f', last))
end
return { table.concat(codes), unpack(out) }
