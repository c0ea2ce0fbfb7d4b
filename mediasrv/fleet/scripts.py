"""What is asked of Redis in one step each, in Lua, so that no two servers see half of it.

    {prefix}:nodes            sorted set: a node's name, by the moment (ms) of its last beat
    {prefix}:node:NAME        hash: its internal URL, its capacity, whether it accepts calls
    {prefix}:node:NAME:calls      set: calls that are live there
    {prefix}:node:NAME:reserved   sorted set: calls that were sent there, by the moment until which they are waited for
    {prefix}:calls            hash: a call's node

All moments are Redis's own, so that the clocks of the nodes do not matter. A node whose last beat is ``dead_ms`` old is
dead to everybody at once; whoever notices first buries it and is told the calls that it had.
"""

from __future__ import annotations

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local prefix = KEYS[1]
local function of(name, what) return prefix .. ':node:' .. name .. (what or '') end
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
local call, dead_ms, wait_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local tried = {}
for index = 4, #ARGV do tried[ARGV[index]] = true end
local function is_alive(name)
    local beat = redis.call('ZSCORE', prefix .. ':nodes', name)
    return beat and now - beat < dead_ms
end
local owner = redis.call('HGET', prefix .. ':calls', call)
if owner and not tried[owner] and is_alive(owner) then return {owner, redis.call('HGET', of(owner), 'url')} end
if owner then redis.call('ZREM', of(owner, ':reserved'), call) end
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
"""Find room for a call: its node, or the least loaded one, which then keeps a slot; nothing where all are full."""

OWNER = (
    _NOW
    + """
local owner = redis.call('HGET', prefix .. ':calls', ARGV[1])
if not owner then return {} end
local beat = redis.call('ZSCORE', prefix .. ':nodes', owner)
if not beat or now - beat >= tonumber(ARGV[2]) then return {} end
return {owner, redis.call('HGET', of(owner), 'url')}
"""
)
"""The node that has a call, if it is alive."""

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
    if redis.call('HGET', prefix .. ':calls', call) == name then redis.call('HDEL', prefix .. ':calls', call) end
end
return 1
"""
)
"""Say that a node has these calls no more."""

BURY = (
    _NOW
    + """
local dead = redis.call('ZRANGEBYSCORE', prefix .. ':nodes', '-inf', now - tonumber(ARGV[1]))
local told = {}
for _, name in ipairs(dead) do
    local calls = redis.call('SMEMBERS', of(name, ':calls'))
    local reserved = redis.call('ZRANGE', of(name, ':reserved'), 0, -1)
    for _, call in ipairs(calls) do redis.call('HDEL', prefix .. ':calls', call) end
    for _, call in ipairs(reserved) do redis.call('HDEL', prefix .. ':calls', call) end
    redis.call('DEL', of(name), of(name, ':calls'), of(name, ':reserved'))
    redis.call('ZREM', prefix .. ':nodes', name)
    table.insert(told, {name, calls})
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
