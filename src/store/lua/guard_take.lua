-- KEYS guard grants; ARGV interval_us burst max_wait_us due_us probe lease_us
-- quota need booking book_us zone ("since:offset since:offset ..." in seconds)
-- Answers { code, wait_us, due_us, probe, booking }; code 0: GO where wait_us
-- is 0, else WAIT; 1: limited; 2: the breaker is open; 3: the day has less than
-- need calls left; 4: it has them, but others have booked them.
-- max_wait_us below 0: the place is given up, answers code 1.
-- The field booked: "booking:calls:until_us booking:calls:until_us ...".
local key = KEYS[1]
local T, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local max_wait, due = tonumber(ARGV[3]), tonumber(ARGV[4])
local token, lease = tonumber(ARGV[5]), tonumber(ARGV[6])
local quota, need = tonumber(ARGV[7]), tonumber(ARGV[8])
local booking, book = tonumber(ARGV[9]), tonumber(ARGV[10])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local mine = due

local function text(n)
  return string.format('%.0f', n)
end

local h = redis.call('HMGET', key, 'seen_us', 'tat_us', 'hold_until_us',
  'open_until_us', 'probe_until_us', 'probe', 'probes', 'day', 'day_used',
  'booked')
local bookings = h[10] or ''
for i = 1, 9 do
  h[i] = tonumber(h[i] or 0) or 0
end
-- A clock that was set back takes the recorded times along.
local back = math.max(0, h[1] - now)
for i = 2, 5 do
  h[i] = math.max(0, h[i] - back)
end
h[4] = math.min(h[4], now + 600000000)
local tat, hold, open, probe_until, probe, probes, day, used = unpack(h, 2)

-- A place that is given up: its slot is free again where it is the last one
-- (who waits for the last has tat = due + burst * T), and so is its probe.
local function refuse(code, wait)
  if mine > now and tat == mine + burst * T then
    redis.call('HSET', key, 'tat_us', text(tat - T))
  end
  if token > 0 and token == probe then
    redis.call('HSET', key, 'probe', '0')
  end
  return { code, wait, 0, 0 }
end

if max_wait < 0 then
  return refuse(1, 0)
end
if open > now then
  return refuse(2, open - now)
end
if open > 0 and probe > 0 and probe ~= token and probe_until > now then
  return refuse(2, probe_until - now)
end

local function offset(s)
  local o = 0
  for since, seconds in string.gmatch(ARGV[11], '(%d+):(-?%d+)') do
    if s >= tonumber(since) then
      o = tonumber(seconds)
    end
  end
  return o
end

-- What others have booked is theirs until it runs out, on the next day too.
local others, left, kept, free = 0, 0, {}, math.huge
if quota > 0 then
  for id, n, til in string.gmatch(bookings, '(%d+):(%d+):(%d+)') do
    id, n, til = tonumber(id), tonumber(n), tonumber(til) - back
    til = math.min(til, now + 90000e6)
    if id == booking then
      left = n
    elseif til > now then
      others, free = others + n, math.min(free, til)
      kept[#kept + 1] = text(id) .. ':' .. text(n) .. ':' .. text(til)
    end
  end
  if left == 0 then
    booking, left = 0, need
  end
  local s = tonumber(clock[1])
  local today = math.floor((s + offset(s)) / 86400)
  -- A clock set back across midnight keeps what was used.
  if today > day or today < day - 1 then
    used = 0
  end
  day = today
  if used + others + left > quota then
    local midnight = (day + 1) * 86400
    midnight = (midnight - offset(midnight - offset(s))) * 1000000
    if used + left > quota then
      return refuse(3, midnight - now)
    end
    return refuse(4, math.min(midnight, free) - now)
  end
end

-- A slot is kept unless a hold overtook it, its owner comes late, or it is
-- not of this state (flushed, or the clock was set back).
if (due < hold and now < hold) or now - due > T or due > tat then
  due = 0
end
if due == 0 then
  -- Behind a hold there is no burst: the source has just said enough.
  local base = math.max(tat, hold + (burst - 1) * T)
  due = math.max(now, base - (burst - 1) * T)
  if due - now > max_wait then
    return refuse(1, due - now)
  end
  tat = math.max(base, now) + T
end
if open == 0 then
  token = 0
elseif token == 0 or token ~= probe then
  probes = probes + 1
  token = probes
end

-- The first write of all: a full Redis refuses the whole.
redis.call('HSET', key, 'seen_us', text(now), 'tat_us', text(tat),
  'hold_until_us', text(hold), 'open_until_us', text(open),
  'probe', text(token), 'probe_until_us', text(due + lease),
  'probes', text(probes))
if quota > 0 then
  if booking == 0 and need > 1 then
    booking = now
    while string.find(bookings, text(booking), 1, true) do
      booking = booking + 1
    end
  end
  if due <= now then
    used, left = used + 1, left - 1
  end
  if booking > 0 and left > 0 then
    kept[#kept + 1] = text(booking) .. ':' .. text(left) .. ':' ..
      text(now + book)
  end
  redis.call('HSET', key, 'day', text(day), 'day_used', text(used),
    'booked', table.concat(kept, ' '))
end
if due <= now then
  redis.call('LPUSH', KEYS[2], text(due) .. ' ' .. text(now))
  redis.call('LTRIM', KEYS[2], 0, 999)
end
return { 0, math.max(0, due - now), due, token, booking }
