-- What one node wants to have of a purse's window or of a level.
-- KEYS[1]: a hash, WINDOW/NODE -> "SEQ TOTAL VOID WANTS", VOID being the millisecond at which it is void, 0 = never, WANTS
-- 1 for a level of which the node wanted more than it got.
-- ARGV: node, window, seq, total, force (1|0), amount, rolling (1|0), since (the oldest slot that counts),
--       lease (ms, 0 = none), ends (ms since 1970, 0 = never)
-- Money does not fit a double: amounts are pairs of billions and the rest, which do.
local BASE = 1000000000
local function num(s)
  if #s <= 9 then return {0, tonumber(s)} end
  return {tonumber(string.sub(s, 1, -10)), tonumber(string.sub(s, -9))}
end
local function norm(h, l)
  local c = math.floor(l / BASE)
  return {h + c, l - c * BASE}
end
local function add(a, b) return norm(a[1] + b[1], a[2] + b[2]) end
local function sub(a, b) return norm(a[1] - b[1], a[2] - b[2]) end
local function less(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end
local function str(a)
  if a[1] < 0 then return '0' end
  if a[1] == 0 then return string.format('%.0f', a[2]) end
  return string.format('%.0f%09.0f', a[1], a[2])
end

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local window, since = tonumber(ARGV[2]), tonumber(ARGV[8])
local mine = ARGV[2] .. '/' .. ARGV[1]
local left, nodes = num(ARGV[6]), 0
local seq, total = '0', {0, 0}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local w, node = string.match(all[i], '^(-?%d+)/(.*)$')
  local s, n, void, wants = string.match(all[i + 1], '^(%d+) (%d+) (%d+) ([01])$')
  w, void = tonumber(w), tonumber(void)
  local valid = void == 0 or now < void
  if all[i] == mine then
    seq = s
    if valid then total = num(n) end
  elseif not valid then
    if now > void + 600000 then redis.call('HDEL', KEYS[1], all[i]) end
  elseif w == window or ARGV[7] == '1' and w >= since then
    left = sub(left, num(n))
    if w == window and node ~= ARGV[1] and (n ~= '0' or wants == '1') then nodes = nodes + 1 end
  elseif ARGV[7] == '1' and w < 2 * since - window then
    redis.call('HDEL', KEYS[1], all[i])
  end
end
if tonumber(ARGV[3]) > tonumber(seq) then
  local want = num(ARGV[4])
  if ARGV[5] == '0' then
    local most = total
    if less(most, left) then most = left end
    if less(most, want) then want = most end
  end
  local wants = '0'
  if ARGV[9] ~= '0' and less(want, num(ARGV[4])) then wants = '1' end
  seq, total = ARGV[3], want
  local void = 0
  if ARGV[9] ~= '0' then void = now + tonumber(ARGV[9]) end
  redis.call('HSET', KEYS[1], mine, string.format('%s %s %.0f %s', seq, str(total), void, wants))
  local ends = tonumber(ARGV[10])
  if void > 0 then ends = void + 600000 end
  if ends == 0 then
    redis.call('PERSIST', KEYS[1])
  else
    ends = math.max(ends, now + 3600000)
    local ttl = redis.call('PTTL', KEYS[1])
    if ttl < 0 or now + ttl < ends then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', ends)) end
  end
end
if less({0, 0}, total) then nodes = nodes + 1 end
return {str(total), str(sub(left, total)), seq, tostring(nodes)}
