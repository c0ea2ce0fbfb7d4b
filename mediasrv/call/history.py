"""The conversation as the language model is shown it: what the caller said, what the caller heard, what tools gave.

Of a long one the oldest turns are forgotten, whole: a tool's result never stands without its call. As a vendor's cache
holds good only as far as nothing has changed before, more is forgotten than must be, and that rarely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mediasrv.call.control import Words
from mediasrv.providers.base import Message, ToolCall

INTERRUPTED = "…"
"""Ends what the bot could not finish, so that the model knows that the rest was not heard."""

_KEPT = 3 / 4
"""Of the most that may be kept, what is kept when it was exceeded."""


class History:
    """One call's conversation. The bot's words enter it when they are heard, not when they are made."""

    def __init__(self, instructions: str, most_chars: int = 0) -> None:
        """Keep at most so many characters beside the instructions; 0: any number."""
        self._messages: list[Message] = [Message("system", instructions)] if instructions else []
        self._first = len(self._messages)
        self._most_chars = most_chars
        self._turns: dict[int, int] = {}
        self._forgotten = -1

    @property
    def messages(self) -> Sequence[Message]:
        """All that is kept, oldest first, for the model; not to be changed."""
        return self._messages

    def resume(self, words: Words) -> None:
        """Begin with what was said in an earlier call."""
        roles = {"caller": "user", "bot": "assistant"}
        self._messages += [Message(roles[side], text) for side, text in words]
        self._forget()

    def caller_said(self, turn: int, text: str) -> None:
        """Add a turn of the caller, or put the whole of it in the place of what was taken for the whole.

        One whose words are not known yet keeps its place when it is added without any.
        """
        if turn <= self._forgotten:
            return
        place = self._turns.setdefault(turn, len(self._messages))
        self._messages[place : place + 1] = [Message("user", text)]
        self._forget()

    def supposing(self, turn: int, text: str) -> list[Message]:
        """All there would be if the caller had said this; a turn that is there already is answered anew.

        What he heard of an answer that broke into his words is left out: he goes on as if it had not been said.
        """
        place = self._turns.get(turn, len(self._messages))
        since = self._messages[place + 1 :]
        is_mere_speech = all(message.role == "assistant" and not message.tool_calls for message in since)
        return [*self._messages[:place], Message("user", text), *([] if is_mere_speech else since)]

    def caller_went_on(self, turn: int, text: str) -> None:
        """Add a turn that is to be answered, as ``supposing`` has it."""
        self._messages = self.supposing(turn, text)
        self._turns.setdefault(turn, len(self._messages) - 1)
        self._forget()

    def bot_said(self, text: str, *, complete: bool = True) -> None:
        """Add what the caller heard of an utterance; nothing heard, nothing added."""
        if not text:
            return
        heard = text if complete else text + INTERRUPTED
        last = self._messages[-1] if self._messages else None
        if last is not None and last.role == "assistant" and not last.tool_calls:
            # Models want the roles to alternate; a greeting and a prompt in a row are one message.
            self._messages[-1] = replace(last, text=f"{last.text} {heard}")
        else:
            self._messages.append(Message("assistant", heard))
        self._forget()

    def tool_called(self, calls: Sequence[ToolCall], results: Sequence[str]) -> None:
        """Add tool calls with their results; they happened, whether or not the reply is heard."""
        self._messages.append(Message("assistant", "", tuple(calls)))
        for call, result in zip(calls, results, strict=True):
            self._messages.append(Message("tool", result, tool_call_id=call.id))
        self._forget()

    def _forget(self) -> None:
        """Let go of the oldest turns when there is too much; the last one stays, if need be without its beginning."""
        said = self._messages[self._first :]
        if not self._most_chars or sum(map(_chars, said)) <= self._most_chars:
            return
        most, kept, begin = self._most_chars * _KEPT, 0, len(said)
        for place in reversed(range(len(said))):
            kept += _chars(said[place])
            if kept > most and begin < len(said):
                break
            if said[place].role == "user":
                begin = place
        begin %= len(said)  # where the caller has said nothing, there is but one turn
        # A request on its way may hold the list as it was.
        self._messages = [*self._messages[: self._first], *map(self._shortened, said[begin:])]
        self._forgotten = max(
            [self._forgotten, *(t for t, place in self._turns.items() if place < self._first + begin)]
        )
        self._turns = {turn: place - begin for turn, place in self._turns.items() if turn > self._forgotten}

    def _shortened(self, message: Message) -> Message:
        excess = len(message.text) - self._most_chars
        return message if excess <= 0 else replace(message, text=INTERRUPTED + message.text[excess:])

    def transcript(self) -> list[tuple[str, str]]:
        """The words of both sides that are kept, oldest first, as pairs of ``caller`` or ``bot`` and text."""
        sides = {"user": "caller", "assistant": "bot"}
        return [(sides[m.role], m.text) for m in self._messages if m.role in sides and m.text]


def _chars(message: Message) -> int:
    return len(message.text) + sum(len(call.arguments) for call in message.tool_calls)
