"""The recogniser's stand-in for loads says what the strict one says, word for word."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.net.websocket import connect
from native_bench.load.frames import BINARY, unmasked
from native_bench.load.recogniser import serve
from native_bench.load.tape import FRAME, Tape
from native_bench.standins.deepgram import KEY, DeepgramStandin
from native_bench.standins.recital import write_script
from tests.patience import WAIT_S

QUERY = "model=nova-3&encoding=mulaw&sample_rate=8000&interim_results=true&endpointing=false"


async def session(origin: str, tape: Tape) -> list[str | bytes]:
    """A cycle of the tape with a final in its midst; all that is said to it."""
    websocket = await connect(
        f"{origin.replace('http', 'ws')}/v1/listen?{QUERY}", headers={"Authorization": f"Token {KEY}"}
    )
    heard: list[str | bytes] = []
    over = asyncio.Event()
    websocket.listen(heard.append, lambda code, reason: over.set())
    frames = tape.cycle // FRAME
    for number in range(frames):
        websocket.send(tape.payload(number))
        if number == frames // 2:
            websocket.send('{"type":"Finalize"}')
    websocket.send('{"type":"KeepAlive"}')
    websocket.send('{"type":"CloseStream"}')
    async with asyncio.timeout(WAIT_S):
        await over.wait()
    return heard


async def test_it_says_what_the_strict_one_says(tmp_path: Path) -> None:
    tape = Tape()
    script = tmp_path / "script.json"
    write_script(script, [(tape.cue, tape.words)])
    strict = DeepgramStandin(interim_ms=200, script=str(script))
    async with strict as origin:
        expected = await session(origin, tape)
    assert strict.complaints == []
    swift = await serve(DeepgramStandin(interim_ms=200, script=str(script)))
    async with swift:
        said = await session(f"http://127.0.0.1:{swift.sockets[0].getsockname()[1]}", tape)
    assert said == expected
    assert any(tape.words[-1].text in str(each) for each in said)
    assert len(said) > 20


async def test_what_is_behind_a_late_final_waits_for_it() -> None:
    swift = await serve(DeepgramStandin(interim_ms=200, final_ms=50))
    async with swift:
        said = await session(f"http://127.0.0.1:{swift.sockets[0].getsockname()[1]}", Tape())
    results = [each for each in map(orjson.loads, said) if each["type"] == "Results"]
    (place,) = [place for place, each in enumerate(results) if each["from_finalize"]]
    end_s = results[place]["start"] + results[place]["duration"]
    assert 0 < place < len(results) - 1
    assert all(each["start"] < end_s for each in results[:place])
    assert all(each["start"] >= end_s for each in results[place + 1 :])


@given(st.binary(max_size=700), st.binary(min_size=4, max_size=4))
def test_a_mask_is_taken_off(payload: bytes, mask: bytes) -> None:
    size = len(payload)
    head = bytes((0x80 | BINARY, 0x80 | (size if size < 126 else 126))) + (
        size.to_bytes(2, "big") if size > 125 else b""
    )
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    frame = head + mask + masked
    assert unmasked(b"??" + frame + b"more", 2) == (BINARY, payload, 2 + len(frame))
    assert unmasked(frame[:-1]) is None
