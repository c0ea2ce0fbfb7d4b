"""Voices and their stand-ins, and a reply that is spoken by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mediasrv.audio.format import MULAW_8K, AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.providers.aura import AuraTts
from mediasrv.providers.base import Speech, Tts
from mediasrv.providers.bulbul import BulbulTts
from mediasrv.providers.cartesia import CartesiaTts
from mediasrv.providers.elevenlabs import ElevenLabsTts
from mediasrv.providers.elevenlabs_http import ElevenLabsHttpTts
from mediasrv.providers.flux_tts import FluxTts
from mediasrv.providers.speech import SpeechTts
from native_bench.standins import aura, bulbul, cartesia, deepgram, elevenlabs, elevenlabs_http, flux_tts, speech
from native_bench.standins.base import Fault, Standin
from native_bench.standins.speaking import voiced
from tests.patience import WAIT_S, until

PHRASES = ("hello there you,", "your order left pune this morning.", "it comes - by six!")
TEXT = " ".join(PHRASES)


@dataclass(frozen=True)
class Vendor:
    """A voice and its stand-in."""

    tts: Callable[[Any], Tts]
    options: Callable[..., Any]
    standin: Callable[..., Any]
    key: str
    settings: dict[str, Any]
    is_timed: bool = False
    is_socket: bool = True

    @property
    def name(self) -> str:
        return str(getattr(self.tts, "name", ""))

    def open(self, url: str, **options: Any) -> Tts:
        """The provider, pointed at a stand-in."""
        return self.tts(self.options(**{"url": url, "api_key": self.key} | self.settings | options))


CARTESIA = Vendor(
    CartesiaTts, CartesiaTts.Options, cartesia.CartesiaStandin, cartesia.KEY, {"voice": cartesia.VOICE}, is_timed=True
)
ELEVENLABS = Vendor(
    ElevenLabsTts,
    ElevenLabsTts.Options,
    elevenlabs.ElevenLabsStandin,
    elevenlabs.KEY,
    {"voice": elevenlabs.VOICE},
    is_timed=True,
)
AURA = Vendor(AuraTts, AuraTts.Options, aura.AuraStandin, deepgram.KEY, {})
FLUX = Vendor(FluxTts, FluxTts.Options, flux_tts.FluxTtsStandin, deepgram.KEY, {})
BULBUL = Vendor(BulbulTts, BulbulTts.Options, bulbul.BulbulStandin, bulbul.KEY, {})
SPEECH = Vendor(SpeechTts, SpeechTts.Options, speech.SpeechStandin, speech.KEY, {}, is_socket=False)
ELEVENLABS_HTTP = Vendor(
    ElevenLabsHttpTts,
    ElevenLabsHttpTts.Options,
    elevenlabs_http.ElevenLabsHttpStandin,
    elevenlabs.KEY,
    {"voice": elevenlabs.VOICE},
    is_socket=False,
)
VENDORS = [CARTESIA, ELEVENLABS, AURA, FLUX, BULBUL, SPEECH, ELEVENLABS_HTTP]


@dataclass
class Site:
    """A stand-in that runs, and the provider that talks to it."""

    standin: Any
    tts: Tts

    async def emptied(self) -> None:
        """Wait until the stand-in serves nobody."""
        await until(lambda: not self.standin.live)


@asynccontextmanager
async def site(
    vendor: Vendor,
    faults: Sequence[Fault] = (),
    options: dict[str, Any] | None = None,
    complaints: Sequence[str] = (),
    **standin_options: Any,
) -> AsyncIterator[Site]:
    """A provider and its stand-in, which must have no complaints but these at the end."""
    standin: Standin = vendor.standin(faults=faults, **standin_options)
    tasks = asyncio.all_tasks()
    async with standin as url:
        tts = vendor.open(url, **options or {})
        await tts.start()
        try:
            yield Site(standin, tts)
        finally:
            await tts.aclose()
            await tts.aclose()
    await until(lambda: not standin.live)
    await until(lambda: asyncio.all_tasks() <= tasks)
    assert standin.complaints == list(complaints)


async def given(*phrases: str) -> AsyncGenerator[str]:
    """Phrases that are there at once."""
    for phrase in phrases:
        yield phrase


async def collect(speech: AsyncGenerator[Speech], pieces: list[Speech]) -> None:
    """Add all pieces of a reply to a list."""
    async with asyncio.timeout(WAIT_S), aclosing(speech):
        async for piece in speech:
            pieces.append(piece)


async def spoken(tts: Tts, *phrases: str, wanted: AudioFormat = MULAW_8K) -> list[Speech]:
    """All of a reply."""
    pieces: list[Speech] = []
    await collect(tts.speak(given(*phrases), wanted), pieces)
    return pieces


async def failure_of(tts: Tts, *phrases: str) -> tuple[list[Speech], ProviderError]:
    """What was spoken before it failed, and how it did."""
    pieces: list[Speech] = []
    try:
        await collect(tts.speak(given(*phrases), MULAW_8K), pieces)
    except ProviderError as error:
        return pieces, error
    raise AssertionError("it did not fail")


async def first_of(speech: AsyncGenerator[Speech], count: int = 1) -> list[Speech]:
    """The first pieces of a reply."""
    async with asyncio.timeout(WAIT_S):
        return [await anext(speech) for _ in range(count)]


def text_of(pieces: Sequence[Speech]) -> str:
    """The words that were told."""
    return " ".join(piece.text for piece in pieces if piece.text)


def audio_of(pieces: Sequence[Speech]) -> bytes:
    """All audio."""
    return b"".join(piece.audio for piece in pieces)


def audio_for(*phrases: str, wanted: AudioFormat = MULAW_8K, joint: str = " ") -> bytes:
    """The audio that stand-ins make of phrases; a joint is spoken behind each."""
    return b"".join(voiced(phrase + joint, wanted) for phrase in phrases)
