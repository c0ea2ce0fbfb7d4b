"""Who carries audio from a reel to a recognition."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.providers.backlog import unsent_s
from mediasrv.providers.base import Recognition, Stt, Transcript, TurnHint
from mediasrv.providers.porter import Porter, following
from mediasrv.providers.reel import Reel
from tests.virtual import run_virtually

FRAME = bytes(range(160))


class Ledger(Recognition):
    """Writes down what it is told, audio by its length."""

    unsent_s = 2.5

    def __init__(self) -> None:
        self.told: list[Any] = []

    def send(self, payload: bytes) -> None:
        self.told.append(len(payload))

    def begin(self) -> None:
        self.told.append("begin")

    def finalize(self, request: int) -> None:
        self.told.append(("final", request))

    def commit(self) -> None:
        self.told.append("commit")

    async def transcripts(self) -> AsyncGenerator[Transcript]:
        yield Transcript("Hello.")


class Clerk(Stt):
    name = "clerk"

    def __init__(self, *formats: AudioFormat) -> None:
        super().__init__(None)
        self.formats: Sequence[AudioFormat] = formats  # type: ignore[misc]
        self.opened: list[tuple[AudioFormat, Ledger]] = []

    def listen(self, audio: AudioFormat) -> Recognition:
        self.opened.append((audio, Ledger()))
        return self.opened[-1][1]


class Reader(Clerk):
    """One that reads reels."""

    def follow(self, reel: Reel) -> Recognition:
        return self.listen(reel.audio)


def test_audio_is_carried_a_few_frames_at_a_time() -> None:
    ledger, reel = Ledger(), Reel(MULAW_8K)
    porter = Porter(reel, ledger, MULAW_8K)
    for _ in range(7):
        porter.send(FRAME)
    assert ledger.told == [480, 480]


def test_all_that_was_said_before_a_word_about_it_is_carried_before_that() -> None:
    ledger = Ledger()
    porter = Porter(Reel(MULAW_8K), ledger, MULAW_8K)
    for tell in (porter.begin, lambda: porter.finalize(7), porter.commit):
        porter.send(FRAME)
        tell()
        tell()
    assert ledger.told == [160, "begin", "begin", 160, ("final", 7), ("final", 7), 160, "commit", "commit"]


def test_audio_that_came_before_the_porter_is_carried_too() -> None:
    ledger, reel = Ledger(), Reel(MULAW_8K)
    reel.push(FRAME)
    porter = Porter(reel, ledger, MULAW_8K)
    porter.begin()
    assert ledger.told == [160, "begin"]


def test_audio_is_brought_into_the_format_that_is_taken() -> None:
    clerk, reel = Clerk(L16_16K), Reel(MULAW_8K)
    recognition = following(clerk, reel)
    for _ in range(50):
        recognition.send(FRAME)
    recognition.commit()
    ((audio, ledger),) = clerk.opened
    assert audio == L16_16K
    *sizes, last = ledger.told
    assert last == "commit"
    assert 0 <= 50 * 640 - sum(sizes) < 640


def test_what_is_written_down_and_what_waits_is_told_by_the_recognition_itself() -> None:
    async def first() -> Transcript | TurnHint:
        return await anext(porter.transcripts())

    porter = Porter(Reel(MULAW_8K), Ledger(), MULAW_8K)
    assert unsent_s(porter) == 2.5
    assert run_virtually(first()) == Transcript("Hello.")


def test_who_reads_reels_of_the_format_needs_no_porter() -> None:
    reader = Reader(MULAW_8K, L16_16K)
    assert isinstance(following(reader, Reel(MULAW_8K)), Ledger)
    assert isinstance(following(reader, Reel(L16_16K)), Ledger)
    assert isinstance(following(Reader(L16_16K), Reel(MULAW_8K)), Porter)
    assert isinstance(following(Clerk(MULAW_8K), Reel(MULAW_8K)), Porter)
