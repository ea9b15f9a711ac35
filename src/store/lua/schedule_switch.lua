-- KEYS slots; ARGV 1 on, 0 off, '' on if it was never set, then slots to drop
-- Answers whether it was on.  Since when is set anew where it lies in the
-- future.
local call = redis.call
local clock = call('TIME')
local now = string.format('%.0f', clock[1] * 1000000 + clock[2])
local is = call('HGET', KEYS[1], 'switch')
local was = is and string.sub(is, 1, 1) or '1'
local since = tonumber(string.match(is or '', ' (%d+)$') or 0)
if not is or (ARGV[1] ~= '' and ARGV[1] ~= was) or since > tonumber(now) then
  local on = ARGV[1] == '' and was or ARGV[1]
  if ARGV[1] ~= '' then
    -- Not refused by a full Redis, and so the HSET is not: a turn that was
    -- asked for must not wait for room.
    call('PERSIST', KEYS[1])
  end
  call('HSET', KEYS[1], 'switch', on .. ' ' .. now)
end
for i = 2, #ARGV do
  call('HDEL', KEYS[1], ARGV[i], 'lease:' .. ARGV[i])
end
return tonumber(was)
