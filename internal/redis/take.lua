-- What one node wants of a bucket.
-- KEYS[1]: a hash: a, p (amount, and in how many microseconds), f (the microsecond at which it is full), l (lows: AT:DEBT
-- for moments of least debt, each with more than the one before: no more comes back of what was taken at a time than the
-- debt of the first low after it).
-- ARGV: amount, per (us), n, more, keep (us), back, taken (us since 1970)
-- Costs are rounded up and gains down, by less than a microsecond each: never to more than the promise.
local LOWS = 8
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local amount, per = tonumber(ARGV[1]), tonumber(ARGV[2])
local h = redis.call('HMGET', KEYS[1], 'a', 'p', 'f', 'l')
local a, p, full = tonumber(h[1]), tonumber(h[2]), tonumber(h[3])
local lows = {}
if not full then
  full = now
elseif a ~= amount or p ~= per then
  local owed = math.ceil(math.max(full - now, 0) * a / p)
  full = now + math.ceil(owed * per / amount)
  lows = {{now, 0}}
else
  for at, debt in string.gmatch(h[4], '(%d+):(%d+)') do lows[#lows + 1] = {tonumber(at), tonumber(debt)} end
end
full = math.max(full, now)
local back, taken = tonumber(ARGV[6]), tonumber(ARGV[7])
if back > 0 then
  back = math.min(math.floor(back * per / amount), full - now)
  local first, most = 1, back
  while lows[first] and lows[first][1] <= taken do first = first + 1 end
  if lows[first] then most = math.min(back, lows[first][2]) end
  back = math.max(most, back - (now - taken), 0) -- time cannot have filled more
  full = full - back
  for i = first, #lows do lows[i][2] = math.max(lows[i][2] - back, 0) end
end
-- What is taken now is remembered with the debt of before.
local debt = full - now
while #lows > 0 and lows[#lows][2] >= debt do lows[#lows] = nil end
if #lows == LOWS then
  local at = 1
  for i = 2, LOWS - 1 do
    if lows[i + 1][2] - lows[i][2] < lows[at + 1][2] - lows[at][2] then at = i end
  end
  lows[at][1] = lows[at + 1][1]
  table.remove(lows, at + 1)
end
lows[#lows + 1] = {now, debt}
local function some(last, n)
  local base = math.max(full, last)
  local room = now + per - base
  if n <= 0 or room <= 0 then return 0 end
  n = math.min(n, math.floor(room * amount / per))
  while n > 0 and math.ceil(n * per / amount) > room do n = n - 1 end
  if n > 0 then full = base + math.ceil(n * per / amount) end
  return n
end
local got = some(now, tonumber(ARGV[3])) + some(now + tonumber(ARGV[5]), tonumber(ARGV[4]))
local f = function(x) return string.format('%.0f', x) end
for i = 1, #lows do lows[i] = f(lows[i][1]) .. ':' .. f(lows[i][2]) end
redis.call('HSET', KEYS[1], 'a', ARGV[1], 'p', ARGV[2], 'f', f(full), 'l', table.concat(lows, ' '))
-- A bucket that is full and has been for a while is a new one.
redis.call('PEXPIRE', KEYS[1], f(math.ceil(math.max(full - now, 0) / 1000) + 60000))
return {f(got), f(math.max(math.floor((per - math.max(full - now, 0)) * amount / per), 0)), f(now)}
