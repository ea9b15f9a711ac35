-- KEYS ready scheduled processing unique failed completed cancelled, whose hash
-- tag the tasks' keys share; ARGV repair(0|1) head_start_us what, then of
-- "entries" (of sets) and "ids": ids, of "unique": work and id
-- Answers { tasks, orphans, strays, duplicates, repaired }.
local READY, UNIQUE, CANCELLED = KEYS[1], KEYS[4], KEYS[7]
local SETS = { pending = 1, scheduled = 2, processing = 3, failed = 5,
  completed = 6, cancelled = 7 }
local STATUS = { 'pending', 'scheduled', 'processing' }
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, repair, HEAD = redis.call, ARGV[1] == '1', tonumber(ARGV[2])
local clock = call('TIME')
local finished = clock[1] .. string.sub('00000' .. clock[2], -6)
local n = { tasks = 0, orphans = 0, strays = 0, duplicates = 0, repaired = 0 }

-- Count one, and mend it.
local function found(what, ...)
  n[what] = n[what] + 1
  if repair and ... then
    call(...)
    n.repaired = n.repaired + 1
  end
end

-- What is no task has no work: gone, of another type, or the name of another.
local function read(id)
  local t = redis.pcall('HMGET', prefix .. id, 'status', 'spec', 'created', 'as')
  t.level, t.flags, t.work =
    string.match(t[2] or '', '^([0-3])([0-7])([^|]+|[^|]*|[^|]*)$')
  return t
end

-- Out of all sets but one.
local function leave(id, home)
  for _, i in pairs(repair and SETS or {}) do
    if i ~= home then
      call('ZREM', KEYS[i], id)
    end
  end
end

local function place(t)
  return string.format('%.0f', (t[3] or 0) - t.level * HEAD)
end

-- Of equal work one is enough: the other is there, and this one not deleted.
local function twin(id, t, holder)
  found('duplicates', 'HSET', prefix .. id, 'status', 'cancelled')
  leave(id, 7)
  if repair then
    call('ZADD', CANCELLED, finished, id)
    local h = read(holder)
    local force = math.max(h.flags % 2, t.flags % 2)
    call('HSET', prefix .. holder, 'spec', math.max(h.level, t.level) ..
      h.flags - h.flags % 2 + force .. t.work)
    if h[1] == 'processing' and t.flags % 2 == 1 then
      call('HSET', prefix .. holder, 'rerun', finished)
    elseif h[1] == 'pending' and h.level < t.level then
      call('ZINCRBY', READY, (h.level - t.level) * HEAD, holder)
    end
  end
end

-- A task: of one set, that of its status; its work is its own.
local function task(id)
  local t, home, other, sets = read(id), nil, nil, 0
  local want = SETS[t[1]]
  for _, i in pairs(SETS) do
    if call('ZSCORE', KEYS[i], id) then
      sets = sets + 1
      home = i == want and i or home
      other = i ~= want and i or other
    end
  end
  if not t.work then
    if sets > 0 then
      found('strays', 'ZREM', KEYS[other or want], id)
      leave(id)
    elseif not t[4] and call('EXISTS', prefix .. id) == 1 then
      found('strays') -- not ours: nothing is deleted
    end
    return
  end
  n.tasks = n.tasks + 1
  local waits = not want or want <= 3
  if home and other then
    found('strays', 'ZREM', KEYS[other], id)
    leave(id, home)
  elseif other and waits and other <= 3 and sets == 1 then
    found('strays', 'HSET', prefix .. id, 'status', STATUS[other])
    want = other
  elseif not home and waits then
    found('orphans', 'HSET', prefix .. id, 'status', 'pending')
    want = 1
    leave(id, 1)
    if repair then
      call('ZADD', READY, place(t), id)
    end
  elseif not home then
    found('strays', 'ZADD', KEYS[want], finished, id)
    leave(id, want)
  end
  if not waits then
    return
  end
  local holder = call('HGET', UNIQUE, t.work)
  if not holder then
    found('duplicates', 'HSET', UNIQUE, t.work, id)
  elseif holder ~= id then
    local h = read(holder)
    if h.work ~= t.work or (SETS[h[1]] or 1) > 3 then
      found('duplicates', 'HSET', UNIQUE, t.work, id)
    elseif want ~= 3 then
      twin(id, t, holder)
    end
  end
end

-- An entry of unique: of a task of that work that has not ended.
local function entry(work, id)
  if call('HGET', UNIQUE, work) ~= id then
    return -- gone meanwhile
  end
  local t = read(id)
  if t.work ~= work or (SETS[t[1]] or 1) > 3 then
    found('duplicates', 'HDEL', UNIQUE, work)
  end
end

if ARGV[3] ~= 'unique' then
  for i = 4, #ARGV do
    if ARGV[3] == 'ids' or not read(ARGV[i]).work then
      task(ARGV[i])
    end
  end
else
  for i = 4, #ARGV, 2 do
    entry(ARGV[i], ARGV[i + 1])
  end
end
return { n.tasks, n.orphans, n.strays, n.duplicates, n.repaired }
