-- KEYS flight; ARGV op(take|renew|release) sector fence lease_us owner
-- Answers { 0, fence, widen } (held, renewed, released) or { 1, wait_us }
-- (someone else's).
local key = KEYS[1]
local op, sector = ARGV[1], ARGV[2]
local mine, lease = tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local DAY = 86400000 -- ms that the state outlives its last use
local WIDEN = 60000000
local LONGEST = 600000000

local function text(n)
  return string.format('%.0f', n)
end

local h = redis.call('HMGET', key, 'fence', 'lease_until_us', 'sector',
  'began_us')
local fence, lease_until = tonumber(h[1] or 0), tonumber(h[2] or 0)
local last, began = h[3] or '', tonumber(h[4] or 0)

if op ~= 'take' then
  if fence ~= mine then
    return { 1, math.max(0, lease_until - now) }
  end
  -- PEXPIRE is not refused by a full Redis, and so nothing after it is.
  redis.call('PEXPIRE', key, DAY)
  redis.call('HSET', key, 'lease_until_us',
    op == 'renew' and text(now + lease) or '0')
  return { 0, fence, 0 }
end

-- No lease is that long: the clock was set back.
if lease_until > now and lease_until - now <= LONGEST then
  return { 1, lease_until - now }
end
local widen = 0
local narrow = sector ~= '' and sector ~= 'Any' and last ~= '' and last ~= 'Any'
if narrow and last ~= sector and began <= now and now - began <= WIDEN then
  widen = 1
  sector = 'Any'
end
fence = math.max(fence + 1, now)
redis.call('HSET', key, 'fence', text(fence), 'lease_until_us',
  text(now + lease), 'sector', sector, 'began_us', text(now), 'owner', ARGV[5])
redis.call('PEXPIRE', key, DAY)
return { 0, fence, widen }
