"""What is asked of Redis in one step each, in Lua, so that no two servers see half of it.

    {prefix}:nodes            sorted set: a node's name, by the moment (ms) of its last beat
    {prefix}:node:NAME        hash: its internal URL, its capacity, whether it accepts calls
    {prefix}:node:NAME:calls      set: calls that are live there
    {prefix}:node:NAME:reserved   sorted set: calls that were sent there, by the moment until which they are waited for
    {prefix}:calls            hash: a call's node
    {prefix}:had:CALL         the node that had a call, for a while after its end: what is told of it then is told there
    {prefix}:lost:CALL        there for as long, where a call died with its node

All moments are Redis's own, so that the clocks of the nodes do not matter. A node whose last beat is ``dead_ms`` old is
dead to everybody at once; whoever notices first buries it and is told the calls that it had.
"""

from __future__ import annotations

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local prefix = KEYS[1]
local kept_ms = 600000
local function of(name, what) return prefix .. ':node:' .. name .. (what or '') end
local function is_alive(name, dead_ms)
    local beat = name and redis.call('ZSCORE', prefix .. ':nodes', name)
    return beat and now - beat < tonumber(dead_ms)
end
local function lose(name, what)
    local key = of(name, what)
    local calls = what == ':calls' and redis.call('SMEMBERS', key) or redis.call('ZRANGE', key, 0, -1)
    local lost = {}
    for _, call in ipairs(calls) do
        local owner = redis.call('HGET', prefix .. ':calls', call)
        -- A call that went on with another node is not lost with this one, nor is it when it ended there.
        if (owner or redis.call('GET', prefix .. ':had:' .. call) or name) == name then
            if owner then redis.call('HDEL', prefix .. ':calls', call) end
            redis.call('SET', prefix .. ':lost:' .. call, name, 'PX', kept_ms)
            table.insert(lost, call)
        end
    end
    redis.call('DEL', key)
    return lost
end
local function forget_late(name)
    local late = redis.call('ZRANGEBYSCORE', of(name, ':reserved'), '-inf', now)
    for _, call in ipairs(late) do
        redis.call('ZREM', of(name, ':reserved'), call)
        redis.call('HDEL', prefix .. ':calls', call)
    end
end
"""

BEAT = (
    _NOW
    + """
local name, url, capacity, accepts = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local known = redis.call('ZSCORE', prefix .. ':nodes', name)
redis.call('ZADD', prefix .. ':nodes', now, name)
redis.call('HSET', of(name), 'url', url, 'capacity', capacity, 'accepts', accepts)
forget_late(name)
return known and 1 or 0
"""
)
"""Say that a node is alive: 1, or 0 when nobody knew of it, and of its calls."""

RESERVE = (
    _NOW
    + """
local asking, call, dead_ms, wait_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local tried = {}
for index = 5, #ARGV do tried[ARGV[index]] = true end
if not redis.call('ZSCORE', prefix .. ':nodes', asking) then return {''} end
local owner = redis.call('HGET', prefix .. ':calls', call)
if owner and not tried[owner] and is_alive(owner, dead_ms) then return {owner, redis.call('HGET', of(owner), 'url')} end
if owner then
    redis.call('ZREM', of(owner, ':reserved'), call)
    redis.call('HDEL', prefix .. ':calls', call)
end
local best, least
for _, name in ipairs(redis.call('ZRANGEBYSCORE', prefix .. ':nodes', now - dead_ms + 1, '+inf')) do
    local about = redis.call('HMGET', of(name), 'capacity', 'accepts')
    local capacity = tonumber(about[1] or 0)
    if not tried[name] and about[2] == '1' and capacity > 0 then
        forget_late(name)
        local taken = redis.call('SCARD', of(name, ':calls')) + redis.call('ZCARD', of(name, ':reserved'))
        local load = taken / capacity
        if load < 1 and (not least or load < least) then best, least = name, load end
    end
end
if not best then return {} end
redis.call('ZADD', of(best, ':reserved'), now + wait_ms, call)
redis.call('HSET', prefix .. ':calls', call, best)
return {best, redis.call('HGET', of(best), 'url')}
"""
)
"""Find room for a call: its node, or the least loaded one, which then keeps a slot; nothing where all are full, and a
nameless one where whoever asks is not known, so that nobody is."""

OWNER = (
    _NOW
    + """
local call = ARGV[1]
local owner = redis.call('HGET', prefix .. ':calls', call) or redis.call('GET', prefix .. ':had:' .. call)
if not is_alive(owner, ARGV[2]) then return {} end
return {owner, redis.call('HGET', of(owner), 'url')}
"""
)
"""The node that has a call, or had it lately, if it is alive."""

LOST = (
    _NOW
    + """
local call = ARGV[1]
local owner = redis.call('HGET', prefix .. ':calls', call)
if owner then return is_alive(owner, ARGV[2]) and 0 or 1 end
return redis.call('EXISTS', prefix .. ':lost:' .. call)
"""
)
"""Whether a call died with its node: 1 or 0."""

NODES = (
    _NOW
    + """
local found = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', prefix .. ':nodes', now - tonumber(ARGV[1]) + 1, '+inf')) do
    table.insert(found, {name, redis.call('HGET', of(name), 'url')})
end
return found
"""
)
"""The nodes that are alive."""

SUCCEED = _NOW + "return lose(ARGV[1], ':calls')"
"""Say that a node's process is a new one: the calls that the one before it had are lost, and told."""

CLAIM = (
    _NOW
    + """
local name = ARGV[1]
if ARGV[2] == 'only' then
    for _, call in ipairs(redis.call('SMEMBERS', of(name, ':calls'))) do
        if redis.call('HGET', prefix .. ':calls', call) == name then redis.call('HDEL', prefix .. ':calls', call) end
    end
    redis.call('DEL', of(name, ':calls'))
end
for index = 3, #ARGV do
    local call = ARGV[index]
    local owner = redis.call('HGET', prefix .. ':calls', call)
    if owner and owner ~= name then
        redis.call('ZREM', of(owner, ':reserved'), call)
        redis.call('SREM', of(owner, ':calls'), call)
    end
    redis.call('ZREM', of(name, ':reserved'), call)
    redis.call('DEL', prefix .. ':lost:' .. call)
    redis.call('SADD', of(name, ':calls'), call)
    redis.call('HSET', prefix .. ':calls', call, name)
end
return 1
"""
)
"""Say that calls are live at a node, ``only`` these or these ``too``."""

RELEASE = (
    _NOW
    + """
local name = ARGV[1]
for index = 2, #ARGV do
    local call = ARGV[index]
    redis.call('ZREM', of(name, ':reserved'), call)
    redis.call('SREM', of(name, ':calls'), call)
    redis.call('SET', prefix .. ':had:' .. call, name, 'PX', kept_ms)
    if redis.call('HGET', prefix .. ':calls', call) == name then redis.call('HDEL', prefix .. ':calls', call) end
end
return 1
"""
)
"""Say that a node has these calls no more."""

CANCEL = (
    _NOW
    + """
for _, call in ipairs(ARGV) do
    local owner = redis.call('HGET', prefix .. ':calls', call)
    if owner and redis.call('ZREM', of(owner, ':reserved'), call) == 1 then
        redis.call('HDEL', prefix .. ':calls', call)
    end
end
return 1
"""
)
"""Say that calls are over for whose streams slots are kept somewhere; of one that is live its node says so."""

BURY = (
    _NOW
    + """
local dead = redis.call('ZRANGEBYSCORE', prefix .. ':nodes', '-inf', now - tonumber(ARGV[1]))
local told = {}
for _, name in ipairs(dead) do
    lose(name, ':reserved')
    table.insert(told, {name, lose(name, ':calls')})
    redis.call('DEL', of(name))
    redis.call('ZREM', prefix .. ':nodes', name)
end
return told
"""
)
"""Forget nodes that are dead; their names, with the calls that were live there."""

LEAVE = (
    _NOW
    + """
local name = ARGV[1]
redis.call('HSET', of(name), 'accepts', '0')
if redis.call('SCARD', of(name, ':calls')) == 0 then
    redis.call('DEL', of(name), of(name, ':calls'), of(name, ':reserved'))
    redis.call('ZREM', prefix .. ':nodes', name)
end
return 1
"""
)
"""Say that a node goes; one that still has calls is dead when its beats end."""
