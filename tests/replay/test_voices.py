"""What a voice had recorded ahead of time is told of once, and is there again."""

from __future__ import annotations

from typing import Any

from mediasrv.audio.format import L16_16K, MULAW_8K
from mediasrv.call.voice import Voice
from mediasrv.providers.base import Speech
from mediasrv.providers.scripted import ScriptedTts
from mediasrv.replay.voices import CapturedVoice, ReplayedVoice

GREETING = [Speech(b"\x01" * 160, "Good"), Speech(b"\x02" * 160, " day.")]
TTS = ScriptedTts(ScriptedTts.Options())


def _captured() -> tuple[CapturedVoice, list[Any], list[bool]]:
    found: list[bool] = []
    voice = Voice(TTS, looked_up=found.append)
    voice._rendered["Good day."] = {MULAW_8K: GREETING}
    noted: list[Any] = []
    return CapturedVoice(TTS, voice, lambda *what: noted.append(what)), noted, found


def test_a_phrase_is_told_of_once_as_it_was_recorded() -> None:
    voice, noted, _ = _captured()
    assert voice.rendered("Good day.", MULAW_8K) == GREETING
    assert voice.rendered("Good day.", MULAW_8K) == GREETING
    assert noted == [("Good day.", MULAW_8K, GREETING)]


def test_a_phrase_for_another_format_is_told_of_in_its_own() -> None:
    voice, noted, _ = _captured()
    assert voice.rendered("Good day.", L16_16K) != GREETING
    assert noted == [("Good day.", MULAW_8K, GREETING)]


def test_a_phrase_that_was_not_recorded_is_not_told_of() -> None:
    voice, noted, _ = _captured()
    assert voice.rendered("Farewell.", MULAW_8K) == ()
    assert noted == []


async def test_whoever_counts_what_is_ready_counts_on() -> None:
    voice, _, found = _captured()
    assert [piece async for piece in voice.say("Good day.", MULAW_8K)] == GREETING
    assert found == [True]


async def test_a_replayed_voice_has_those_phrases_and_leaves_the_capture_alone() -> None:
    phrases = {"Good day.": {MULAW_8K: GREETING}}
    voice = ReplayedVoice(TTS, phrases)
    assert [piece async for piece in voice.say("Good day.", MULAW_8K)] == GREETING
    assert voice.rendered("Good day.", L16_16K)
    assert voice.rendered("Farewell.", MULAW_8K) == ()
    assert phrases == {"Good day.": {MULAW_8K: GREETING}}
