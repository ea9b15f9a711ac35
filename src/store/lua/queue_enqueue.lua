-- KEYS of queue.c, whose hash tag the tasks' keys share; ARGV head_start_us,
-- 4 limits, then a task: id how index sector ("120 probe": force, priority,
-- delay_us, type).  Answers a digit each in one string, 0 new, 1 merged, 2
-- same, 3 full, then the ids that the merged went into.
local READY, LATER, _, UNIQUE, STATS, CONFIG = unpack(KEYS)
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, ARGV, max, HEAD = redis.call, ARGV, math.max, tonumber(ARGV[1])
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function text(v) -- '%.0f' is slow
  return v < 0 and v or string.format('%d%06d', v / 1000000, v % 1000000)
end

local last = tonumber(call('HGET', CONFIG, 'last_ready') or 0)

local hows, keys, works, n = {}, {}, {}, 0
for a = 6, #ARGV, 4 do
  local h = hows[ARGV[a + 1]]
  if not h then
    h = { string.match(ARGV[a + 1], '(.)(.)(%d+) (.+)') }
    h.level, h.delay = tonumber(h[2]), tonumber(h[3])
    h.limit = tonumber(ARGV[h.level + 2])
    hows[ARGV[a + 1]] = h
  end
  n = n + 1
  keys[n] = prefix .. ARGV[a]
  works[n] = h[4] .. '|' .. ARGV[a + 2] .. '|' .. ARGV[a + 3]
end
local known = call('EXISTS', unpack(keys)) > 0
local holders = call('HMGET', UNIQUE, unpack(works))
local waiting = call('ZCARD', READY) + call('ZCARD', LATER)

-- Written together, before it is read again.
local line, new, l, u = {}, {}, 0, 0
local function flush()
  l = l > 0 and call('ZADD', READY, unpack(line))
  u = u > 0 and call('HSET', UNIQUE, unpack(new))
  line, new, l, u = {}, {}, 0, 0
end

-- Equal work is asked for again; false where the holder has ended.
local function merge(id, h)
  flush()
  local key, set, to, score = prefix .. id, {}, READY, nil
  local t = call('HMGET', key, 'status', 'priority', 'ready', 'token', 'cancel')
  local level = max(h.level, tonumber(t[2] or 0))
  if t[1] == 'processing' then
    set = (h[1] == '1' or t[5]) and { 'rerun', 1 } or set
  elseif t[1] == 'pending' then
    score = t[3] - level * HEAD
  elseif t[1] ~= 'scheduled' then
    return false
  elseif not t[4] and h.delay == 0 then -- never ran; a retry keeps its time
    last = max(last + 1, now)
    score = last - level * HEAD
    set = { 'status', 'pending', 'ready', text(last) }
  elseif not t[4] then
    to = LATER
    score = math.min(call('ZSCORE', to, id) or now, now + h.delay)
  end
  call('HSET', key, 'priority', level, unpack(set))
  if score then
    call('ZREM', LATER, id)
    call('ZADD', to, text(score), id)
  end
  return true
end

-- The first write of all is an HSET, or counts: a full Redis refuses the whole.
local mine, codes, out, count = {}, {}, {}, { 0, 0, 0, 0 }
local created = text(now)
for i = 1, n do
  local a = i * 4 + 2
  local id, h, work, what = ARGV[a], hows[ARGV[a + 1]], works[i], '0'
  local holder = mine[work] or holders[i]
  if mine[id] or (known and call('EXISTS', keys[i]) == 1) then
    what = '2'
  elseif holder and merge(holder, h) then
    what, out[#out + 1] = '1', holder
  elseif waiting >= h.limit then
    what = '3'
  else
    local ready, status = '0', 'scheduled'
    if h.delay == 0 then
      last = max(last + 1, now)
      ready, status = text(last), 'pending'
      line[l + 1], line[l + 2], l = text(last - h.level * HEAD), id, l + 2
    end
    call('HSET', keys[i], 'type', h[4], 'index', ARGV[a + 2], 'sector',
      ARGV[a + 3], 'priority', h[2], 'status', status, 'created', created,
      'ready', ready)
    if h.delay > 0 then
      call('ZADD', LATER, text(now + h.delay), id)
    end
    new[u + 1], new[u + 2], u = work, id, u + 2
    mine[work], mine[id], waiting = id, true, waiting + 1
  end
  if h[1] == '1' and what < '2' then
    call('HSET', prefix .. (what == '1' and holder or id), 'force', '1')
  end
  codes[i], what = what, what + 1
  count[what] = count[what] + 1
end
flush()
for i, name in pairs({ 'enqueued', 'merged', [4] = 'refused' }) do
  if count[i] > 0 then
    call('HINCRBY', STATS, name, count[i])
  end
end
if count[1] + count[2] > 0 then
  call('HSET', CONFIG, 'last_ready', text(last))
end
return { table.concat(codes), unpack(out) }
