-- KEYS ready scheduled processing config, whose hash tag the tasks' keys share;
-- ARGV owner lease_us most reap(0|1), then the types: name light(0|1)
-- Answers { 1 } where queue_reap is to come first, which is if reap is 1 and
-- leases have run out or tasks are due, and every 500 tasks for its other work;
-- { 2 } where only strays were found so far: again.  Else { 0, now_us, lease
-- end, token, next_us or -1 }, then of each task id, score, spec and tries.
local READY, SCHEDULED, PROCESSING, CONFIG = unpack(KEYS)
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, pcall, most = redis.call, redis.pcall, tonumber(ARGV[3])
local match, sub, type = string.match, string.sub, type
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local started = clock[1] .. sub('00000' .. clock[2], -6) -- now
local POPPED, CARE, MINUTE = 200, 500, 60e6

local c = call('HMGET', CONFIG, 'token', 'paused', 'pause_until', 'claimed',
  'reaped')
if ARGV[4] == '1' and ((c[4] or 0) - (c[5] or 0) >= CARE or
  call('ZCOUNT', PROCESSING, '-inf', started) > 0 or
  call('ZCOUNT', SCHEDULED, '-inf', started) > 0) then
  return { 1 }
end

local light = {}
for i = 5, #ARGV, 2 do
  light[ARGV[i]] = ARGV[i + 1] == '1'
end

-- The first in line decides: alone, or with those light ones right behind it.
-- ZPOPMIN is the first write: a full Redis does not refuse it, nor what
-- follows.
local out, keys, at, n, popped = { 0, now, 0, 0, -1 }, {}, 5, 0, 0
local function pick(step)
  local head = call('ZPOPMIN', READY, step)
  for i = 1, #head, 2 do
    local id = head[i]
    local key, tries = prefix .. id, false
    local spec = pcall('HGET', key, 'spec')
    spec = type(spec) == 'string' and spec
    local flags, kind = match(spec or '', '^[0-3]([0-7])([^|]+)|[^|]*|[^|]*$')
    if flags and flags % 4 > 1 then
      tries = call('HGET', key, 'tries')
    end
    kind = light[kind]
    -- Whose worker died goes alone: it must not take others with it.
    local alone = kind == false or tries and sub(tries, -2) ~= ' 0'
    if spec and kind == nil then -- of tomorrow: not ours
      call('HSET', key, 'status', 'scheduled')
      call('ZADD', SCHEDULED, now + MINUTE, id)
    elseif spec and alone and n > 0 then
      for j = i, #head, 2 do
        call('ZADD', READY, head[j + 1], head[j])
      end
      return false
    elseif spec then
      out[at + 1], out[at + 2], out[at + 3], out[at + 4] =
        id, head[i + 1], spec, tries
      at, n, most = at + 4, n + 1, alone and 0 or most
      keys[n] = key
    end
  end
  popped = popped + #head / 2
  return #head == 2 * step and n < most and popped < POPPED
end

local stop = c[2] and tonumber(c[3] or 0)
local paused = stop and (stop == 0 or stop > now)
if not paused and pick(1) then
  while pick(most - n) do end
end
if n == 0 and popped >= POPPED then
  return { 2 }
elseif n == 0 then
  local due = paused and stop > 0 and stop or math.huge
  for _, set in ipairs({ PROCESSING, SCHEDULED }) do
    local score = call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
    due = math.min(due, score or math.huge)
  end
  out[5] = due < math.huge and due or -1
  return out
end

-- Tokens are never below the time, so that not even a Redis that lost its
-- last second gives one twice; a token is when its claim was.
local token = string.format('%.0f', math.max(tonumber(c[1] or 0) + 1, now))
local lease = string.format('%.0f', now + ARGV[2])
local leases, run, l = {}, token .. ' ' .. ARGV[1] .. ' ', 0
for i = n, 1, -1 do -- the last first: Redis finds their places sooner
  local id = 4 * i + 2 -- its place in out
  call('HSET', keys[i], 'status', 'processing',
    'run', run .. sub(out[id + 2], 1, 1) .. ' ' .. out[id + 1])
  leases[l + 1], leases[l + 2], l = lease, out[id], l + 2
end
call('ZADD', PROCESSING, unpack(leases))
call('HSET', CONFIG, 'token', token,
  'claimed', string.format('%d', (c[4] or 0) + n))
out[3], out[4] = lease, token
return out
