-- KEYS value meta members gzip; ARGV older_us
-- Forgets a dataset of ours that was fetched before that long ago.  Answers 1,
-- or 0 where it stays.
local clock = redis.call('TIME')
local before = clock[1] * 1000000 + clock[2] - ARGV[1]
local fetched = redis.call('HGET', KEYS[2], 'fetched_us')
if not fetched or tonumber(fetched) >= before then
  return 0
end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
return 1
