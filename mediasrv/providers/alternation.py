"""Conversations for vendors who want instructions apart, and a caller and a bot that take turns, the caller first.

A telephone conversation is not like that: the bot greets first, or speaks again when nobody answers. So messages of one
side in a row become one, and where the caller would have to have spoken but has not, a stage direction stands in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from mediasrv.providers.base import Message, ToolCall

OPENING = "(The call begins.)"
"""Stands before a bot that speaks first."""
GO_ON = "(The caller says nothing.)"
"""Stands after a bot that is to speak again."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one side said, or did, without the other one between."""

    is_caller: bool
    """The caller and the tools; otherwise the bot."""
    messages: Sequence[Message]
    """Results of tools first, as vendors want them right behind the calls."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation in order."""

    instructions: str
    """The system messages that it begins with; later ones are told by the caller's side, so that this never changes."""
    sides: Sequence[Side]
    """Alternating; the first and the last are the caller's."""


def alternate(messages: Sequence[Message]) -> Dialogue:
    """Bring a conversation in order; what has neither words nor calls is left out."""
    rest = list(messages)
    instructions: list[str] = []
    while rest and rest[0].role == "system":
        instructions.append(rest.pop(0).text)
    said = [each for each in rest if each.text.strip() or each.tool_calls or each.role == "tool"]
    if not said or said[0].role == "assistant":
        said.insert(0, Message("user", OPENING))
    if said[-1].role == "assistant":
        said.append(Message("user", GO_ON))
    return Dialogue("\n\n".join(filter(str.strip, instructions)), _sides(said))


def arguments_of(call: ToolCall) -> dict[str, object]:
    """A call's arguments for a vendor who wants them as an object; what is none was reported to the model as wrong."""
    try:
        arguments = orjson.loads(call.arguments)
    except orjson.JSONDecodeError:
        return {}
    return arguments if isinstance(arguments, dict) else {}


def _sides(said: Sequence[Message]) -> list[Side]:
    groups: list[list[Message]] = []
    for message in said:
        if groups and _is_caller(groups[-1][0]) == _is_caller(message):
            groups[-1].append(message)
        else:
            groups.append([message])
    return [Side(_is_caller(group[0]), sorted(group, key=lambda each: each.role != "tool")) for group in groups]


def _is_caller(message: Message) -> bool:
    return message.role != "assistant"
