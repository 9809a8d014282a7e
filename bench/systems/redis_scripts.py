"""Lua scripts of the layout `Redis packed`.

KEYS[1] is a user, ARGV[1] the width of an event, which begins with 12 bytes by which it sorts. The server runs in the
locale C, so that Lua compares strings byte by byte.
"""

SEARCH = """
local key, width = KEYS[1], tonumber(ARGV[1])
local count = redis.call('STRLEN', key) / width
-- The number of events whose first bytes are less than the bound.
local function search(bound)
  local low, high = 0, count
  while low < high do
    local middle = math.floor((low + high) / 2)
    local found = redis.call('GETRANGE', key, middle * width, middle * width + #bound - 1)
    if found < bound then low = middle + 1 else high = middle end
  end
  return low
end
"""

BEFORE = (
    SEARCH
    + """
-- ARGV[2]: a time, 8 bytes; ARGV[3]: how many events before it.
local stop = search(ARGV[2])
local start = math.max(0, stop - tonumber(ARGV[3]))
if start == stop then return '' end
return redis.call('GETRANGE', key, start * width, stop * width - 1)
"""
)

APPEND = (
    SEARCH
    + """
-- ARGV[2]: new events, in order. What is stored and sorts after the first of them is taken off and merged with them.
local new = ARGV[2]
local first = string.sub(new, 1, 12)
if count == 0 or redis.call('GETRANGE', key, (count - 1) * width, (count - 1) * width + 11) < first then
  redis.call('APPEND', key, new)
  return
end
local at = search(first)
local both = redis.call('GETRANGE', key, at * width, -1) .. new
local events = {}
for begin = 1, #both, width do events[#events + 1] = string.sub(both, begin, begin + width - 1) end
table.sort(events)
redis.call('SETRANGE', key, at * width, table.concat(events))
"""
)
