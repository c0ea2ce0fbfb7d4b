"""Conversations in the order that some vendors want."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.providers.alternation import GO_ON, OPENING, alternate, arguments_of
from mediasrv.providers.base import Message, ToolCall

CALL = ToolCall("c1", "status", '{"id": "7"}')


def shape(messages: Sequence[Message]) -> list[tuple[str, list[str]]]:
    sides = alternate(messages).sides
    return [("caller" if side.is_caller else "bot", [each.text for each in side.messages]) for side in sides]


def test_instructions_stand_apart() -> None:
    messages = [Message("system", "Be brief."), Message("system", " "), Message("system", "Be kind.")]
    dialogue = alternate([*messages, Message("user", "Hello")])
    assert dialogue.instructions == "Be brief.\n\nBe kind."
    assert shape([*messages, Message("user", "Hello")]) == [("caller", ["Hello"])]


def test_later_instructions_leave_the_first_ones_as_they_were() -> None:
    messages = [Message("system", "Be brief."), Message("user", "Hello"), Message("system", "It is late.")]
    assert alternate(messages).instructions == "Be brief."
    assert shape(messages) == [("caller", ["Hello", "It is late."])]


def test_a_bot_that_greets_has_an_opening_before_it() -> None:
    messages = [Message("assistant", "Good morning."), Message("user", "Hello")]
    assert shape(messages) == [("caller", [OPENING]), ("bot", ["Good morning."]), ("caller", ["Hello"])]


def test_a_bot_that_speaks_again_is_told_to() -> None:
    messages = [Message("user", "Hello"), Message("assistant", "Are you there?")]
    assert shape(messages) == [("caller", ["Hello"]), ("bot", ["Are you there?"]), ("caller", [GO_ON])]


def test_a_conversation_of_nothing_begins() -> None:
    assert shape([Message("system", "Be brief."), Message("user", " ")]) == [("caller", [OPENING])]


def test_a_side_that_speaks_twice_speaks_once() -> None:
    messages = [Message("user", "Hello"), Message("assistant", " "), Message("user", "Anyone?")]
    assert shape(messages) == [("caller", ["Hello", "Anyone?"])]


def test_results_come_before_words() -> None:
    bot = Message("assistant", "", (CALL,))
    messages = [Message("user", "Hello"), bot, Message("user", "So?"), Message("tool", "", tool_call_id="c1")]
    assert shape(messages) == [("caller", ["Hello"]), ("bot", [""]), ("caller", ["", "So?"])]


@pytest.mark.parametrize(
    ("text", "arguments"), [('{"id": "7"}', {"id": "7"}), ("", {}), ("{", {}), ("[1]", {}), ("\ud800", {})]
)
def test_arguments_are_an_object(text: str, arguments: dict[str, object]) -> None:
    assert arguments_of(ToolCall("c1", "status", text)) == arguments


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), st.sampled_from(["", "a", "b"]))))
def test_sides_alternate_and_the_caller_is_first_and_last(said: list[tuple[str, str]]) -> None:
    sides = alternate([Message(role, text) for role, text in said]).sides
    assert [side.is_caller for side in sides] == [index % 2 == 0 for index in range(len(sides))]
    assert len(sides) % 2 == 1
    assert all(side.messages for side in sides)
