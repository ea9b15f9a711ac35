-- KEYS slots; ARGV 1 on, 0 off, '' only if it was never set: on
-- Answers whether it was on.
local call = redis.call
local clock = call('TIME')
local now = string.format('%.0f', clock[1] * 1000000 + clock[2])
local is = call('HGET', KEYS[1], 'switch')
local was = is and string.sub(is, 1, 1) or '1'
if not is or (ARGV[1] ~= '' and ARGV[1] ~= was) then
  local on = ARGV[1] == '' and '1' or ARGV[1]
  call('HSET', KEYS[1], 'switch', on .. ' ' .. now)
end
return tonumber(was)
