"""A redacted capture holds nothing of what was said, and its call can be run again all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech, TextDelta, ToolCall, Transcript
from mediasrv.providers.realtime import CallerSaid, SpeechPiece, ToolWanted
from mediasrv.replay.codec import encode
from mediasrv.replay.redaction import blank
from mediasrv.wire.events import Clear, DtmfReceived, Mark, MediaReceived, PlayMedia, SendDtmf, StreamStarted
from tests.replay.stage import Kept, captured
from tests.replay.test_player import CASES

SILENCE = b"\xff"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (MediaReceived(b"ab", 3), MediaReceived(b"\xff\xff", 3)),
        (PlayMedia(b"ab"), PlayMedia(b"\xff\xff")),
        (DtmfReceived("7"), DtmfReceived("0")),
        (SendDtmf("12#"), SendDtmf("000")),
        (Transcript("Room 12, please.", True, 3), Transcript("xxxx 00, xxxxxx.", True, 3)),
        (TextDelta("हाँ, sir"), TextDelta("xxx, xxx")),
        (CallerSaid(1, "Yes."), CallerSaid(1, "xxx.")),
        (Speech(b"ab", "Yes."), Speech(b"\xff\xff", "xxx.")),
        (SpeechPiece(1, "item", b"ab", "Yes."), SpeechPiece(1, "item", b"\xff\xff", "xxx.")),
        (ToolWanted(1, ToolCall("1", "look", '{"a": 1}', "s")), ToolWanted(1, ToolCall("1", "look", "{}"))),
        (Mark("1.2"), Mark("1.2")),
        (Clear(), Clear()),
        (7, 7),
    ],
)
def test_words_and_sounds_are_replaced_by_blanks_of_their_length(value: Any, expected: Any) -> None:
    (blanked,) = blank(["sent", value], SILENCE)[1:]
    # A vowel sign is no letter to Python, and no word either.
    assert encode(blanked) == encode(expected) or blanked.text.replace("ँ", "x").replace("ा", "x") == expected.text


def test_what_agents_say_is_blanked() -> None:
    line = [
        "act",
        1.0,
        None,
        "tool 1",
        1,
        "say",
        ["Your code is 42.", np.ones(2, np.int16)],
        {"prompt": "Yes?", "n": 2},
    ]
    *_, arguments, keywords = blank(line, SILENCE)
    assert arguments[0] == "xxxx xxxx xx 00."
    assert not arguments[1].any()
    assert keywords == {"prompt": "xxx?", "n": 2}


def test_what_tools_give_is_blanked_and_so_is_what_they_fail_with() -> None:
    assert blank(["item", 1.0, None, "tool 1", {"order": ["no. 7"]}], SILENCE)[4] == {"order": ["xx. 0"]}
    kept = ProviderError("is down", stage="llm", provider="one", retryable=True)
    assert blank(["failed", 1.0, None, "reply 1", kept], SILENCE)[4] is kept
    assert "42" not in str(blank(["failed", 1.0, None, "tool 1", KeyError("card 42")], SILENCE))


def test_numbers_headers_and_instructions_are_left_out() -> None:
    started = StreamStarted("call", "stream", None, {"X-Name": "Asha"}, "X-Name=Asha", "+911", "+912")  # type: ignore[arg-type]
    details = {"carrier": "plivo", "from_number": "+911", "to_number": "+912", "body": {"name": "Asha"}, "earlier": 1}
    options = {"instructions": "You help Asha.", "greeting": "Hello."}
    header = {"started": started, "details": details, "options": options, "instructions": "You help Asha."}
    text = str(blank(["header", header], SILENCE))
    assert "Asha" not in text
    assert "+91" not in text
    assert "plivo" in text


# What words mean for the end of a turn is gone with them.
@pytest.mark.parametrize("name", [name for name in CASES if name != "interims"])
def test_a_redacted_call_does_the_same_kinds_of_things(name: str) -> None:
    act, options, others = CASES[name]
    stage, kept = captured(act, options, Kept(redact=True), **others)
    replayed = kept.replay()
    assert replayed.difference is None
    assert replayed.actions > 3
    spoken = {word for _, text in stage.watch.words for word in text.split() if len(word) > 4}
    given = replace(options, stt={}, llm={}, tts={}, detector={})
    unset = {word for word in spoken if word not in str(given)}
    assert not [word for word in unset if word.encode() in kept.text]
