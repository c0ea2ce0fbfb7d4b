"""Samples of the server's stack go to the part of the work that they belong to."""

from __future__ import annotations

import pytest

from native_bench.load.profile import split
from native_bench.load.shares import JSON, LLM, LOOP, PACER, REST, STT, TTS, TURN, VAD, WEBSOCKET, Stack, part_of

PROGRAM = ("asyncio.runners", "mediasrv.cli", "__main__")


def stack(*modules: str, note: str = "", on: str = "") -> Stack:
    """Innermost first; ``note`` is of the innermost place, ``on`` of the outermost above the program."""
    names = [*modules, *PROGRAM]
    notes = {0: note, len(modules) - 1: note or on}
    return tuple((name, "f", notes.get(place, "")) for place, name in enumerate(names))


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (
            stack("mediasrv.wire.fields", "mediasrv.wire.plivo", "mediasrv.server.media", "mediasrv.net.connection"),
            JSON,
        ),
        (stack("websockets.frames", "mediasrv.net.connection", on="mediasrv.server.media"), WEBSOCKET),
        (
            stack("websockets.frames", "mediasrv.net.connection", "mediasrv.server.media", "mediasrv.call.mouth"),
            WEBSOCKET,
        ),
        (stack("websockets.frames", "mediasrv.net.connection", "mediasrv.providers.recogniser"), STT),
        (stack("websockets.frames", "mediasrv.net.connection", on="mediasrv.providers.sockettts"), TTS),
        (stack("webrtcvad", "mediasrv.turn.vad", "mediasrv.call.ear"), VAD),
        (stack("mediasrv.audio.kernel", "mediasrv.turn.vad", "mediasrv.call.ear"), VAD),
        (stack("aiohttp.client_reqrep", "aiohttp.client", "mediasrv.providers.openai"), LLM),
        (stack("mediasrv.turn.playout", "mediasrv.call.mouth", "mediasrv.call.pacer"), PACER),
        (stack("mediasrv.turn.machine", "mediasrv.call.dialogue"), TURN),
        (stack("mediasrv.call.dialogue"), REST),
        (stack("mediasrv.net.connection", note="first"), None),
        (stack("mediasrv.wire.plivo", "mediasrv.server.media", note="first"), JSON),
        (stack(), None),
        ((), None),
    ],
)
def test_a_sample_has_its_part(found: Stack, part: str | None) -> None:
    assert part_of(found) == part


def told(*counts: tuple[Stack, int]) -> dict[str, object]:
    return {"stacks": [[each, count] for each, count in counts], "collecting_s": 0.1, "cpu_s": 1.0}


def test_what_no_callback_took_is_the_loops() -> None:
    profile = split(told((stack("mediasrv.turn.vad"), 100), (stack(), 900)), 10, 15.0, 16.0)
    assert profile.parts_ms[VAD] == pytest.approx(10.0)
    assert profile.parts_ms[LOOP] == pytest.approx(5.0)
    assert (profile.samples, profile.overestimate, profile.collecting) == (100, 0.0, 0.1)


def test_samples_never_claim_more_than_there_was() -> None:
    profile = split(
        told((stack("mediasrv.turn.vad"), 300), (stack("mediasrv.call.x"), 100), (stack(), 600)), 10, 20, 20
    )
    assert (profile.parts_ms[VAD], profile.parts_ms[REST], profile.parts_ms[LOOP]) == (15.0, 5.0, 0.0)
    assert profile.overestimate == 1.0
