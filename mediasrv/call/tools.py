"""Tools: methods of an agent that the language model may call.

The model sees a tool's name, the first paragraph of its docstring and its parameters; ``Call`` is handed in by us. What
a tool returns goes back to the model as text. A tool that fails or takes too long answers with an error the model can
talk about, and never ends the call.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast, get_args, get_origin, overload

import orjson

from mediasrv.call.call import Call
from mediasrv.errors import ConfigError
from mediasrv.providers.base import ToolCall, ToolSpec

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])

# Less than the mouth allows for a silence, so that the model can still say that it did not work.
TOOL_LIMIT_S = 8.0
# What a model can take in without losing the thread.
MAX_RESULT_CHARS = 8000

_JSON_TYPES: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array"}
_MARK = "__mediasrv_tool__"


@dataclass(frozen=True, slots=True)
class Mark:
    """What ``tool`` notes on a method."""

    has_side_effects: bool
    limit_s: float | None = None


@overload
def tool(function: F) -> F: ...
@overload
def tool(*, side_effects: bool = False, limit_s: float | None = None) -> Callable[[F], F]: ...
def tool(
    function: F | None = None, *, side_effects: bool = False, limit_s: float | None = None
) -> F | Callable[[F], F]:
    """Mark an ``async`` method of an ``Agent`` as callable by the language model.

    No tool runs before the caller has finished. An agent of which one has ``side_effects`` does not even begin a reply
    before that: the model is asked once for each turn. ``limit_s`` is the longest time that it may take, where that is
    another one than the agent's; the caller must hear something meanwhile.
    """

    def mark(function: F) -> F:
        if not inspect.iscoroutinefunction(cast(object, function)):
            raise ConfigError(f"tool {function.__qualname__} must be an async method")
        setattr(function, _MARK, Mark(side_effects, limit_s))
        return function

    return mark if function is None else mark(function)


@dataclass(frozen=True, slots=True)
class Tool:
    """One callable tool."""

    spec: ToolSpec
    run: Callable[..., Awaitable[Any]]
    has_side_effects: bool = False
    """Whether it changes something in the world."""
    limit_s: float = TOOL_LIMIT_S
    """Longest time that it may take."""


def tools_of(agent: object, limit_s: float = TOOL_LIMIT_S) -> dict[str, Tool]:
    """The tools of an agent by name; a parameter annotated with ``Call`` is left to us."""
    marked = inspect.getmembers(agent, lambda member: isinstance(getattr(member, _MARK, None), Mark))
    return {name: _tool(name, method, getattr(method, _MARK), limit_s) for name, method in marked}


def _tool(name: str, method: Callable[..., Any], mark: Mark, limit_s: float) -> Tool:
    return Tool(_spec(name, method), method, mark.has_side_effects, mark.limit_s or limit_s)


def _spec(name: str, method: Callable[..., Any]) -> ToolSpec:
    hints = typing.get_type_hints(method)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in inspect.signature(method).parameters.values():
        hint = hints.get(parameter.name, str)
        if hint is Call:
            continue
        properties[parameter.name] = _schema(hint, f"tool {name}, parameter {parameter.name}")
        if parameter.default is parameter.empty:
            required.append(parameter.name)
    description = inspect.cleandoc(method.__doc__ or name).partition("\n\n")[0]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return ToolSpec(name, " ".join(description.split()), schema)


def _schema(hint: Any, where: str) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is typing.Literal:
        return {"type": _JSON_TYPES.get(type(arguments[0]), "string"), "enum": list(arguments)}
    if origin in (types.UnionType, typing.Union):
        return _schema(next(each for each in arguments if each is not type(None)), where)
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], where)}
    if hint in _JSON_TYPES:
        return {"type": _JSON_TYPES[hint]}
    raise ConfigError(f"{where}: a model cannot be asked for a {hint}")


async def run_tool(tools: Mapping[str, Tool], wanted: ToolCall, call: object) -> str:
    """Run one tool for the model and return what to tell it; cancelling cancels the tool."""
    found = tools.get(wanted.name)
    if found is None:
        return f"error: there is no tool {wanted.name}"
    try:
        arguments = orjson.loads(wanted.arguments or "{}")
        bound = _bind(found, arguments, call)
    except (orjson.JSONDecodeError, TypeError) as error:
        return f"error: bad arguments: {error}"
    try:
        async with asyncio.timeout(found.limit_s):
            return _as_text(await found.run(*bound.args, **bound.kwargs))
    except TimeoutError:
        return "error: this takes too long"
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Not the reply was cancelled but something that the tool waited for.
        return "error: this was cancelled"
    except Exception as error:  # The last door: this code is not ours.
        log.warning("tool failed", extra={"tool": wanted.name, "error": type(error).__name__})
        return f"error: {type(error).__name__}"


def _bind(found: Tool, arguments: Any, call: object) -> inspect.BoundArguments:
    if not isinstance(arguments, dict):
        raise TypeError("not an object")
    signature = inspect.signature(found.run)
    hints = typing.get_type_hints(found.run)
    ours = {name: call for name in signature.parameters if hints.get(name) is Call}
    return signature.bind(**{**arguments, **ours})


def _as_text(result: Any) -> str:
    if not isinstance(result, str):
        try:
            result = orjson.dumps(result, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except orjson.JSONEncodeError:
            result = str(result)
    return str(result[:MAX_RESULT_CHARS])
