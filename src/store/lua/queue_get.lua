-- KEYS ready scheduled processing failed completed cancelled, whose hash tag
-- the tasks' keys share; ARGV id field …, of which the first is status
-- Read-only.  Answers { id, place in line or -1, its score or '', lease
-- end, due, finished, the fields }, or {}: no such task.  An id that was merged leads to
-- the task that does its work.
local READY, SCHEDULED, PROCESSING = unpack(KEYS)
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, id = redis.call, ARGV[1]
local ENDED = { failed = KEYS[4], completed = KEYS[5], cancelled = KEYS[6] }
id = call('HGET', prefix .. id, 'as') or id
local t = call('HMGET', prefix .. id, unpack(ARGV, 2))

if not t[1] then
  return {}
end
local ended = ENDED[t[1]]
return { id, call('ZRANK', READY, id) or -1,
  call('ZSCORE', READY, id) or '',
  call('ZSCORE', PROCESSING, id) or '0', call('ZSCORE', SCHEDULED, id) or '0',
  ended and call('ZSCORE', ended, id) or '0', t }
