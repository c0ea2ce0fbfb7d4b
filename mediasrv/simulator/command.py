"""``mediasrv call URL``: the simulated caller against any server, with a report to read or to parse."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from ssl import create_default_context

import numpy as np
import orjson
from numpy.typing import NDArray

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import ConfigError
from mediasrv.simulator.caller import CONNECTION_LOST, Caller
from mediasrv.simulator.carriers import Carrier, carrier_named
from mediasrv.simulator.interrupt import interrupt_hangs_up
from mediasrv.simulator.microphone import Microphone
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.person import Person
from mediasrv.simulator.recording import write_recording
from mediasrv.simulator.report import CallReport, report
from mediasrv.simulator.script import Performance, conversation
from mediasrv.simulator.speech import Clip, read_clip, recorded
from mediasrv.simulator.table import table

Render = Callable[[str], Awaitable[tuple[NDArray[np.int16], int]]]
"""Speaks a sentence: int16 mono samples and their rate in hertz."""

UNASKED = ("lv_austen_0880", "lv_austen_0930", "ps_goforward")
"""What is said when nothing is asked for: short sentences of two speakers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """The flags of ``mediasrv call``."""

    url: str
    """Where the server takes the carrier's stream, ``ws`` or ``wss``."""
    wav: tuple[Path, ...] = ()
    """Recordings to speak, in order."""
    say: tuple[str, ...] = ()
    """Sentences to speak after them, with the local voice."""
    carrier: str = "plivo"
    """Which carrier to be."""
    codec: str = ""
    """Format of the stream, as ``mulaw``, ``l16`` or ``l16-16000``; empty: the carrier's usual one."""
    out: Path | None = None
    """Where the stereo recording goes."""
    json: bool = False
    """Whether to print the report as one JSON object."""
    mic: bool = False
    """Whether a person speaks, with this machine's microphone, until Ctrl-C."""


def run(options: CallOptions, render: Render | None = None) -> int:
    """Place the call and print its report; return the exit code.

    It is 1 when the call failed: nobody answered, the connection broke, or the server broke the carrier's protocol;
    else 0. ``render`` is needed for ``say``. Raise ``ConfigError`` for options that cannot be obeyed.
    """
    return asyncio.run(place(options, render))


async def place(options: CallOptions, render: Render | None = None) -> int:
    """Do as ``run`` does, in the caller's own event loop; Ctrl-C hangs up."""
    carrier = carrier_named(options.carrier)
    audio = stream_format(carrier, options.codec)
    tls = create_default_context() if options.url.startswith("wss:") else None
    caller = Caller(carrier, audio, await _person(options, audio, render), Pacing())
    try:
        with interrupt_hangs_up(caller):
            call = await caller.call(options.url, ssl=tls)
    except OSError as error:
        print(f"cannot call {options.url}: {str(error) or 'nobody answered in time'}", file=sys.stderr)
        return 1
    figures = report(call)
    print(_json(options, figures) if options.json else table(figures))
    if options.out is not None:
        write_recording(options.out, call.caller, call.agent, audio.rate_hz)
    return 1 if figures.errors or figures.ending == CONNECTION_LOST else 0


def stream_format(carrier: Carrier, codec: str) -> AudioFormat:
    """The format that ``encoding`` or ``encoding-rate`` means; ``ConfigError`` names those there are."""
    names = {f"{audio.encoding.name.lower()}-{audio.rate_hz}": audio for audio in carrier.formats}
    found = [audio for name, audio in names.items() if name == codec or name.startswith(f"{codec}-") or not codec]
    if not found:
        raise ConfigError(f"no codec of this carrier is called {codec!r}; there is {', '.join(names)}")
    return found[0]


async def _person(options: CallOptions, audio: AudioFormat, render: Render | None) -> Person:
    if options.mic:
        return Microphone(audio)
    clips = [read_clip(path) for path in options.wav]
    for sentence in options.say:
        if render is None:
            raise ConfigError("no voice to say it with: pip install 'mediasrv[local]'")
        clips.append(Clip("say", *await render(sentence), sentence))
    return Performance(conversation(clips or [recorded()[name] for name in UNASKED]), audio)


def _json(options: CallOptions, figures: CallReport) -> str:
    head = {"url": options.url, "carrier": options.carrier}
    return orjson.dumps(head | orjson.loads(orjson.dumps(figures))).decode()
