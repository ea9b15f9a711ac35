-- KEYS guard; ARGV class retry_after_us due_us probe name
-- class: ok, answer (not a failure), fail, hold (limited or blocked), none.
-- Answers { hold_us, open_us }: what is left of the hold and of the opening.
local key = KEYS[1]
local class, retry, due = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local token = tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local names = { 'seen_us', 'tat_us', 'hold_until_us', 'open_until_us',
  'probe_until_us', 'probe', 'hold_n', 'cons', 'opens', 'successes' }
local h = {}

for i, v in ipairs(redis.call('HMGET', key, unpack(names))) do
  h[names[i]] = tonumber(v or 0) or 0
end
-- A clock that was set back takes the recorded times along.
if h.seen_us > now then
  for i = 2, 5 do
    h[names[i]] = math.max(0, h[names[i]] - (h.seen_us - now))
  end
end
h.seen_us = now

-- Not refused by a full Redis, and so nothing after it is: the state hardly
-- grows here, and a hold must not be lost.
redis.call('PERSIST', key)

local function hold()
  local after = h.hold_n
  -- A call begun before the end of the last hold tells of the same incident:
  -- it may lengthen the hold, but does not double it.
  if due < h.hold_until_us or h.hold_until_us > now then
    if retry < 0 and h.hold_until_us > now then
      return
    end
    after = math.max(0, after - 1)
  else
    h.hold_n = h.hold_n + 1
  end
  local us = math.min(60e6 * 2 ^ after, 3600e6)
  if retry >= 0 then
    us = math.min(retry, 90000e6) -- the longest day has 25 hours
  end
  h.hold_until_us = math.max(h.hold_until_us, now + us)
end

local function open()
  h.open_until_us = now + math.min(30e6 * 2 ^ h.opens, 600e6)
  h.opens = h.opens + 1
  h.cons, h.successes, h.probe = 0, 0, 0
  redis.call('HDEL', key, 'w0', 'w1', 'w2', 'w3', 'w4', 'w5')
end

-- Count into the 10 s bucket of now; the calls and failures of 60 s.
local function count(failed)
  local slot = math.floor(now / 10e6)
  local w = redis.call('HMGET', key, 'w0', 'w1', 'w2', 'w3', 'w4', 'w5')
  local calls, fails, c0, f0 = 1, failed, 1, failed
  for i = 1, 6 do
    local s, c, f = string.match(w[i] or '', '^(%d+) (%d+) (%d+)$')
    s = tonumber(s or 0)
    if s > slot - 6 and s <= slot then
      calls, fails = calls + c, fails + f
      if s == slot then
        c0, f0 = c0 + c, f0 + f
      end
    end
  end
  redis.call('HSET', key, 'w' .. slot % 6,
    string.format('%.0f %.0f %.0f', slot, c0, f0))
  return calls, fails
end

local answered = class == 'ok' or class == 'answer'
local ours = token > 0 and token == h.probe
if ours then
  h.probe = 0
end
if class == 'hold' then
  hold()
elseif class == 'ok' and due >= h.hold_until_us then
  h.hold_n = 0
end
-- Open or half open, only the probe counts: late answers of calls begun
-- before say nothing new.
if h.open_until_us > 0 then
  if ours and class == 'fail' then
    open()
  elseif ours and answered then
    h.successes = h.successes + 1
    if h.successes >= 2 then
      h.open_until_us, h.opens, h.successes = 0, 0, 0
    end
  end
elseif answered then
  h.cons = 0
  count(0)
elseif class == 'fail' then
  h.cons = h.cons + 1
  local calls, fails = count(1)
  if h.cons >= 5 or (calls >= 10 and fails * 2 >= calls) then
    open()
  end
end

local set = {}
for _, n in ipairs(names) do
  set[#set + 1] = n
  set[#set + 1] = string.format('%.0f', h[n])
end
if class == 'fail' or class == 'hold' then
  set[#set + 1] = 'last_error'
  set[#set + 1] = ARGV[5]
  set[#set + 1] = 'last_error_us'
  set[#set + 1] = string.format('%.0f', now)
end
redis.call('HSET', key, unpack(set))
return { math.max(0, h.hold_until_us - now),
  math.max(0, h.open_until_us - now) }
