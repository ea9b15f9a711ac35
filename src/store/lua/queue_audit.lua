-- KEYS of queue.c, whose hash tag the tasks' keys share; ARGV repair(0|1)
-- head_start_us what, then of "entries" (of sets) and "ids": ids, of "unique":
-- work and id
-- Answers { tasks, orphans, strays, duplicates, repaired }.
local READY, UNIQUE = KEYS[1], KEYS[4]
local SETS = { pending = 1, scheduled = 2, processing = 3, failed = 7,
  completed = 8, cancelled = 9 }
local STATUS = { 'pending', 'scheduled', 'processing' }
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, repair, HEAD = redis.call, ARGV[1] == '1', tonumber(ARGV[2])
local n = { tasks = 0, orphans = 0, strays = 0, duplicates = 0, repaired = 0 }

-- Count one, and mend it.
local function found(what, ...)
  n[what] = n[what] + 1
  if repair then
    call(...)
    n.repaired = n.repaired + 1
  end
end

local function read(id)
  return call('HMGET', prefix .. id, 'status', 'type', 'index', 'sector',
    'priority', 'ready', 'finished')
end

local function work_of(t)
  return (t[2] or '') .. '|' .. (t[3] or '') .. '|' .. (t[4] or '')
end

local function back(id, t)
  local score = tonumber(t[6] or 0) - tonumber(t[5] or 0) * HEAD
  return string.format('%.0f', score), id
end

-- A task: of one set, that of its status; its work is its own.
local function task(id)
  local t, home, other = read(id), nil, nil
  for _, i in pairs(SETS) do
    if call('ZSCORE', KEYS[i], id) then
      if not t[1] then
        found('strays', 'ZREM', KEYS[i], id)
      elseif i == SETS[t[1]] then
        home = i
      else
        other = i
      end
    end
  end
  if not t[1] then
    return
  end
  n.tasks = n.tasks + 1
  local want = SETS[t[1]]
  local waits = not want or want <= 3
  if home and other then
    for _, i in pairs(SETS) do
      if i ~= home and call('ZSCORE', KEYS[i], id) then
        found('strays', 'ZREM', KEYS[i], id)
      end
    end
  elseif other and waits and other <= 3 then
    found('strays', 'HSET', prefix .. id, 'status', STATUS[other])
  elseif not home and waits then
    found('orphans', 'HSET', prefix .. id, 'status', 'pending')
    if repair then
      for i = 7, 9 do
        call('ZREM', KEYS[i], id)
      end
      call('ZADD', READY, back(id, t))
    end
  elseif not home then
    found('strays', 'ZADD', KEYS[want], t[7] or '0', id)
    if repair and other then
      call('ZREM', KEYS[other], id)
    end
  end
  if waits and not call('HGET', UNIQUE, work_of(t)) then
    found('duplicates', 'HSET', UNIQUE, work_of(t), id)
  end
end

-- An entry of unique: of a task of that work that has not ended.
local function entry(work, id)
  if call('HGET', UNIQUE, work) ~= id then
    return -- gone meanwhile
  end
  local t = read(id)
  if not t[1] or (SETS[t[1]] or 1) > 3 or work_of(t) ~= work then
    found('duplicates', 'HDEL', UNIQUE, work)
  end
end

if ARGV[3] ~= 'unique' then
  for i = 4, #ARGV do
    if ARGV[3] == 'ids' or call('EXISTS', prefix .. ARGV[i]) == 0 then
      task(ARGV[i])
    end
  end
else
  for i = 4, #ARGV, 2 do
    entry(ARGV[i], ARGV[i + 1])
  end
end
return { n.tasks, n.orphans, n.strays, n.duplicates, n.repaired }
