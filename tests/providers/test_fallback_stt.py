from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any
from unittest.mock import patch

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.providers.backlog import unsent_s
from mediasrv.providers.base import HintKind, Recognition, Stt, Transcript, TurnHint
from mediasrv.providers.crew import Crew, Patience
from mediasrv.providers.fallback_stt import FAILURES_EACH, PRE_ROLL_MS, UTTERANCE_MS, FallbackStt
from mediasrv.providers.meter import set_meter
from native_bench.standins.base import Fault
from tests.providers.stt import VENDORS, calling, site
from tests.virtual import run_virtually

PATIENCE = Patience(first_min_ms=300, first_max_ms=1000, limit_ms=5000, gap_ms=1000, extra_percent=12)
FRAME = bytes(range(160))


class Clerk(Stt):
    """Writes down how many frames an utterance had; ``faults`` are what each of its recognitions does instead."""

    renews_finals = False

    def __init__(self, name: str = "clerk", *faults: str, audio: AudioFormat = MULAW_8K) -> None:
        super().__init__(None)
        self.name = name  # type: ignore[misc]
        self.formats = (audio,)  # type: ignore[misc]
        self.faults = list(faults)
        self.opened: list[Desk] = []
        self.prepared = self.started = self.closed = 0

    async def start(self) -> None:
        self.started += 1

    async def prepare(self) -> None:
        self.prepared += 1

    async def aclose(self) -> None:
        self.closed += 1

    def listen(self, audio: AudioFormat) -> Recognition:
        assert audio in self.formats
        self.opened.append(Desk(self, audio, self.faults.pop(0) if self.faults else ""))
        return self.opened[-1]


class Desk(Recognition):
    def __init__(self, clerk: Clerk, audio: AudioFormat, fault: str) -> None:
        self.clerk, self.audio, self.fault = clerk, audio, fault
        self.log: list[Any] = []
        self.sent_bytes = 0
        self.closed = False
        self.heard: asyncio.Queue[Transcript | TurnHint | str] = asyncio.Queue()
        if fault == "refuses":
            self.heard.put_nowait("failure")

    def send(self, payload: bytes) -> None:
        self.sent_bytes += len(payload)

    def begin(self) -> None:
        self.log.append("begin")

    def finalize(self, request: int) -> None:
        self.log.append(request)
        if self.fault in ("breaks", "ends"):
            self.heard.put_nowait(self.fault)
        elif self.fault != "hangs":
            frames = self.sent_bytes // self.audio.frame_bytes
            self.heard.put_nowait(Transcript(f"{self.clerk.name} {frames}", is_final=True, request=request))

    def commit(self) -> None:
        self.log.append("commit")
        self.sent_bytes = 0

    async def transcripts(self) -> AsyncGenerator[Transcript | TurnHint]:
        try:
            while True:
                heard = await self.heard.get()
                if heard == "ends":
                    return
                if isinstance(heard, str):
                    raise ProviderError("closed 1011", stage="stt", provider=self.clerk.name, retryable=True)
                yield heard
        finally:
            self.closed = True


class Call:
    """A caller, whose words are written down as they come."""

    def __init__(self, *clerks: Clerk) -> None:
        self.stt = FallbackStt(Crew[Stt]("stt", clerks, PATIENCE))
        self.recognition = self.stt.listen(MULAW_8K)
        self.words: list[str] = []
        self.listening = asyncio.create_task(self._listen())
        self._request = 0

    async def _listen(self) -> None:
        async for heard in self.recognition.transcripts():
            self.words.append(heard.text if isinstance(heard, Transcript) else heard.kind.name)

    def hear(self, frames: int) -> None:
        for _ in range(frames):
            self.recognition.send(FRAME)

    async def say(self, frames: int = 50, wait_s: float = 2.0) -> int:
        """Speak for so many frames, ask for the final and wait."""
        self.recognition.begin()
        self.hear(frames)
        self._request += 1
        self.recognition.finalize(self._request)
        await asyncio.sleep(wait_s)
        return self._request

    async def hang_up(self) -> None:
        self.listening.cancel()
        await asyncio.wait([self.listening])


def words(act: Callable[[Call], Any], *clerks: Clerk) -> Sequence[str]:
    """What was written down in a call."""

    async def perform() -> Sequence[str]:
        call = Call(*clerks)
        await asyncio.sleep(0)
        await act(call)
        await call.hang_up()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return call.words

    heard = run_virtually(perform())
    assert all(desk.closed or not desk.log for clerk in clerks for desk in clerk.opened)
    return heard


async def two_utterances(call: Call) -> None:
    for _ in range(2):
        await call.say()
        call.recognition.commit()


def test_the_first_listens_while_it_can() -> None:
    first, second = Clerk("a"), Clerk("b")
    assert words(two_utterances, first, second) == ["a 50", "a 50"]
    assert first.opened[0].log == ["begin", 1, "commit", "begin", 2, "commit"]
    assert second.opened == []


def test_what_waits_is_what_waits_with_whoever_listens_or_for_the_next() -> None:
    async def act(call: Call) -> None:
        assert unsent_s(call.recognition) == 0.0
        first.opened[0].unsent_s = 1.5  # type: ignore[attr-defined]
        assert unsent_s(call.recognition) == 1.5
        call.recognition.begin()
        call.hear(50)
        with patch.object(call.recognition, "_leg", None):
            assert unsent_s(call.recognition) == 1.0

    first = Clerk("a")
    words(act, first)


class PatientClerk(Clerk):
    renews_finals = True


def test_a_final_is_renewed_by_whom_that_costs_nothing() -> None:
    async def act(call: Call) -> None:
        assert call.stt.renews_finals
        request = await call.say()
        call.recognition.finalize(request)
        call.recognition.commit()

    patient, other = PatientClerk("a"), Clerk("b")
    words(act, patient, other)
    assert patient.opened[0].log == ["begin", 1, 1, "commit"]
    other = Clerk("b")
    words(act, PatientClerk("a", "refuses", "refuses"), other)
    assert other.opened[0].log == ["begin", 1, "commit"]
    assert not FallbackStt(Crew[Stt]("stt", [Clerk()], PATIENCE)).renews_finals


@pytest.mark.parametrize("fault", ["breaks", "ends"])
def test_the_next_hears_the_utterance_from_its_beginning_and_is_asked_for_the_final(fault: str) -> None:
    first, second = Clerk("a", fault), Clerk("b")
    assert words(two_utterances, first, second) == ["b 50", "b 50"]
    assert second.opened[0].log == ["begin", 1, "commit", "begin", 2, "commit"]


def test_what_came_just_before_the_utterance_is_heard_again_too() -> None:
    async def act(call: Call) -> None:
        call.hear(500)
        await call.say()

    frames = 50 + PRE_ROLL_MS // 20
    second = Clerk("b")
    assert words(act, Clerk("a", "breaks"), second) == [f"b {frames}"]
    assert second.opened[0].log == ["begin", 1]


def test_of_a_very_long_utterance_the_end_is_heard_again() -> None:
    async def act(call: Call) -> None:
        await call.say(frames=5000)

    assert words(act, Clerk("a", "breaks"), Clerk("b")) == [f"b {UTTERANCE_MS // 20}"]


def test_one_that_cannot_even_begin_costs_no_words() -> None:
    assert words(two_utterances, Clerk("a", "refuses"), Clerk("b")) == ["b 50", "b 50"]


def test_the_only_one_is_opened_again_after_a_pause() -> None:
    only = Clerk("a", "breaks")
    assert words(two_utterances, only) == ["a 50", "a 50"]
    assert len(only.opened) == 2


def test_an_utterance_that_begins_during_the_pause_is_not_lost() -> None:
    async def act(call: Call) -> None:
        await asyncio.sleep(0.1)
        await call.say()

    assert words(act, Clerk("a", "refuses")) == ["a 50"]


def test_an_utterance_that_ends_during_the_pause_is_over() -> None:
    async def act(call: Call) -> None:
        await call.say(wait_s=0.1)
        call.recognition.commit()
        await asyncio.sleep(2)

    only = Clerk("a", "breaks")
    assert words(act, only) == []
    assert only.opened[1].log == []


def test_whoever_left_an_utterance_unanswered_is_replaced() -> None:
    first, second = Clerk("a", "hangs"), Clerk("b")
    assert words(two_utterances, first, second) == [f"b {50 + PRE_ROLL_MS // 20}"]
    assert first.opened[0].log == ["begin", 1]


def test_a_final_that_was_not_waited_for_is_not_held_against_anyone() -> None:
    async def act(call: Call) -> None:
        await call.say(wait_s=0.1)
        call.recognition.commit()
        await call.say(wait_s=0.1)

    first = Clerk("a", "hangs")
    assert words(act, first, Clerk("b")) == []
    assert first.opened[0].log == ["begin", 1, "commit", "begin", 2]


def test_whoever_is_given_up_while_nobody_reads_is_replaced_at_the_next_read() -> None:
    async def perform() -> str:
        recognition = FallbackStt(Crew[Stt]("stt", [first, Clerk("b")], PATIENCE)).listen(MULAW_8K)
        stream = recognition.transcripts()
        first.opened[0].heard.put_nowait(TurnHint(HintKind.RESUMED))
        await anext(stream)
        recognition.begin()
        recognition.finalize(1)
        await asyncio.sleep(2)
        recognition.commit()
        recognition.begin()
        recognition.send(FRAME)
        recognition.finalize(2)
        heard = await anext(stream)
        await stream.aclose()
        assert isinstance(heard, Transcript)
        return heard.text

    first = Clerk("a", "hangs")
    assert run_virtually(perform()) == "b 1"
    assert first.opened[0].closed


def test_a_final_that_was_given_is_not_asked_for_again() -> None:
    async def act(call: Call) -> None:
        await call.say()
        first.opened[0].heard.put_nowait("failure")
        await asyncio.sleep(0.1)

    first, second = Clerk("a"), Clerk("b")
    assert words(act, first, second) == ["a 50"]
    assert second.opened[0].log == ["begin"]


def test_audio_is_brought_into_a_format_that_the_next_one_takes() -> None:
    async def act(call: Call) -> None:
        await call.say()
        await call.hang_up()

    second = Clerk("b", audio=L16_16K)
    (text,) = words(act, Clerk("a", "breaks"), second)
    assert int(text.split()[1]) in (49, 50)


def test_hints_are_passed_on_and_prove_nothing() -> None:
    async def act(call: Call) -> None:
        only.opened[0].heard.put_nowait(TurnHint(HintKind.EAGER_END))
        await asyncio.sleep(0.1)

    only = Clerk("a")
    assert words(act, only) == ["EAGER_END"]


@pytest.mark.parametrize("count", [1, 2])
def test_when_all_fail_in_a_row_the_call_is_told(count: int) -> None:
    async def perform() -> None:
        call = Call(*clerks)
        with pytest.raises(ProviderError, match="closed 1011"):
            await call.listening

    clerks = [Clerk(str(number), *["refuses"] * 9) for number in range(count)]
    run_virtually(perform())
    assert sum(len(clerk.opened) for clerk in clerks) == FAILURES_EACH * count + 1


def test_a_word_between_two_failures_makes_a_new_count() -> None:
    async def act(call: Call) -> None:
        for _ in range(10):
            await call.say()
            call.recognition.commit()
            only.opened[-1].heard.put_nowait("failure")
            await asyncio.sleep(1)

    only = Clerk("a")
    assert words(act, only) == ["a 50"] + ["a 65"] * 9


@pytest.mark.parametrize("others", [(), (1,), (3,)], ids=["itself", "one of all audio", "one of utterances only"])
async def test_one_with_a_socket_hears_what_another_one_did(others: Sequence[int]) -> None:
    fault = Fault("close", after=3, code=VENDORS[0].fatal_code)
    used: Counter[str] = Counter()
    set_meter(lambda provider, use, amount: used.update({provider: round(amount * 1000)}))
    async with AsyncExitStack() as stack:
        sites = [await stack.enter_async_context(site(VENDORS[0], [fault]))]
        sites += [await stack.enter_async_context(site(VENDORS[other])) for other in others]
        stt = FallbackStt(Crew[Stt]("stt", [each.stt for each in sites], PATIENCE))
        async with calling(stt) as caller:
            await caller.quiet(480)
            await caller.begin("w65 w66 w67")
            await caller.speak("w68 w69")
            assert (await caller.ask(1)).text == "w65 w66 w67 w68 w69"
            caller.recognition.commit()
            await caller.quiet(400)
            await caller.begin("w80")
            assert (await caller.ask(2)).text == "w80"
    assert [each.standin.connections for each in sites] == ([1, 1] if others else [2])
    assert sum(used.values()) > 0
    assert set(used) == {each.stt.name for each in sites}


def test_the_crew_is_started_and_stopped_and_the_one_preferred_made_ready() -> None:
    async def live() -> None:
        stt = FallbackStt(Crew[Stt]("stt", clerks, PATIENCE))
        await stt.start()
        await stt.prepare()
        await stt.aclose()
        assert stt.formats == clerks[0].formats

    clerks = [Clerk("a"), Clerk("b", audio=L16_16K)]
    run_virtually(live())
    assert [(each.started, each.prepared, each.closed) for each in clerks] == [(1, 1, 1), (1, 0, 1)]
