-- KEYS value meta gzip; ARGV bytes fence_us fresh_ms stale_ms rows source hash
-- guard etag packed packed_etag cost_ms (packed "": there is no gzip variant;
-- cost 0: unknown, the last one stays)
-- Answers { 0 } stored, { 1, fence } newer data is there, { 2, key, type } a
-- key of another type, { 3, rows, after_us } held back: rows were there, and
-- a sweep begun at after_us or later that agrees is stored.
local fence, fresh = tonumber(ARGV[2]), tonumber(ARGV[3])
local stale, rows = tonumber(ARGV[4]), tonumber(ARGV[5])
local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
local HELD = 600000000

local function text(n)
  return string.format('%.0f', n)
end

local there
for i, want in ipairs({ 'string', 'hash', 'string' }) do
  local is = redis.call('TYPE', KEYS[i]).ok
  if is ~= 'none' and is ~= want then
    return { 2, KEYS[i], is }
  end
  if i == 1 then
    there = is ~= 'none'
  end
end
local h = redis.call('HMGET', KEYS[2], 'fetched_us', 'rows', 'held_at_us',
  'held_rows', 'held_source')
local newest, good = tonumber(h[1] or 0), tonumber(h[2] or 0)
local held_at, held_rows = tonumber(h[3] or 0), tonumber(h[4] or 0)
-- What is gone, or from a clock that was set back since, is not newer.
if there and fence <= newest and newest <= (now_ms + 60000) * 1000 then
  return { 1, newest }
end

-- More than 20 % and at least 5 rows fewer than the last good one.
local lost = good - rows
if ARGV[8] == '1' and there and lost >= 5 and lost * 5 > good then
  local near = math.max(5, held_rows * 0.2)
  local agrees = held_at > 0 and math.abs(rows - held_rows) <= near
  if not (agrees and fence - held_at >= HELD) then
    -- What agrees too early leaves the first one's time alone.
    if not agrees and fence > held_at then
      held_at = fence
      redis.call('HSET', KEYS[2], 'held_at_us', text(fence),
        'held_rows', text(rows), 'held_source', ARGV[6])
    end
    return { 3, good, held_at + HELD }
  end
end

local keep = math.max(1000, fresh + stale - now_ms)
-- The first write of all: a full Redis refuses the whole.
redis.call('HSET', KEYS[2], 'fetched_us', text(fence), 'fresh_ms', text(fresh),
  'expires_ms', text(now_ms + keep), 'rows', text(rows), 'source', ARGV[6],
  'hash', ARGV[7], 'bytes', #ARGV[1], 'etag', ARGV[9],
  'gzip_bytes', #ARGV[10], 'gzip_etag', ARGV[11])
if ARGV[12] ~= '0' then
  redis.call('HSET', KEYS[2], 'cost_ms', ARGV[12])
end
-- Another source's table, of the members it was given, says nothing of those.
if h[5] == ARGV[6] then
  redis.call('HDEL', KEYS[2], 'held_at_us', 'held_rows', 'held_source')
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', text(keep))
if ARGV[10] ~= '' then
  redis.call('SET', KEYS[3], ARGV[10], 'PX', text(keep))
else
  redis.call('DEL', KEYS[3])
end
redis.call('PEXPIREAT', KEYS[2], text(now_ms + keep))
return { 0 }
