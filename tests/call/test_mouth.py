import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.audience import PlayoutWatcher
from mediasrv.call.mouth import (
    NOTHING,
    QUIET_LIMIT_S,
    SPEECH_LIMIT_S,
    SUSPENDED_LIMIT_MS,
    Mouth,
)
from mediasrv.call.pacer import Pacer
from mediasrv.providers.base import Speech
from mediasrv.simulator.playout import Playout
from mediasrv.turn.utterance import Heard
from mediasrv.wire.events import Clear, Command, MarkReached
from tests.virtual import run_virtually

SECOND = bytes(8000)


class Watch(PlayoutWatcher):
    def __init__(self) -> None:
        self.log: list[str] = []
        self.audible: list[float] = []
        self.sent: list[tuple[float, bytes]] = []
        self.cuts: list[float] = []

    def bot_started(self, interruptible: bool) -> None:
        self.log.append("started")

    def bot_heard(self, heard: Heard) -> None:
        self.log.append(f"heard {heard.text!r}")

    def bot_quiet(self) -> None:
        self.log.append("quiet")

    def bot_audible(self, at_s: float) -> None:
        self.audible.append(at_s)

    def audio_sent(self, payload: bytes, begins_s: float) -> None:
        self.sent.append((begins_s, payload))

    def audio_cut(self, now: float) -> None:
        self.cuts.append(now)
        self.sent = [(begins_s, payload[: max(0, round((now - begins_s) * 8000))]) for begins_s, payload in self.sent]


class Line:
    """The carrier's end, with its play queue; ``is_deaf`` loses its marks."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.playout = Playout(MULAW_8K, self.loop.time())
        self.cleared = 0
        self.is_deaf = False
        self.watch = Watch()
        self.mouth = Mouth(MULAW_8K, self, Pacer())
        self.mouth.audience.watcher = self.watch

    def send(self, command: Command) -> None:
        self.cleared += isinstance(command, Clear)
        self._tell(self.playout.receive(command, self.loop.time()))

    def close(self) -> None: ...

    def _tell(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, MarkReached) and not self.is_deaf:
                self.loop.call_soon(self._return_mark, event.name)
        due = self.playout.deadline()
        if due is not None:
            self.loop.call_at(due, lambda: self._tell(self.playout.tick(self.loop.time())))

    def _return_mark(self, name: str) -> None:
        self.mouth.mark_reached(name, self.loop.time())


async def words(*texts: str, audio: bytes = SECOND, pause_s: float = 0.0) -> AsyncGenerator[Speech]:
    for text in texts:
        await asyncio.sleep(pause_s)
        yield Speech(audio, text)


def on_line(act: Callable[[Line], Coroutine[Any, Any, None]]) -> Line:
    async def play() -> Line:
        line = Line()
        await act(line)
        line.mouth.aclose()
        return line

    return run_virtually(play())


def test_speaking_ends_when_all_was_heard() -> None:
    async def act(line: Line) -> None:
        begun = line.loop.time()
        heard = await line.mouth.speak(words("One", "two."))
        assert heard == Heard(1, "One two.", True)
        assert line.loop.time() - begun == pytest.approx(2.0, abs=0.1)

    assert on_line(act).watch.log == ["started", "heard 'One two.'", "quiet"]


def test_two_who_speak_at_once_are_heard_one_after_the_other() -> None:
    async def act(line: Line) -> None:
        await asyncio.gather(
            line.mouth.speak(words("One", "two", pause_s=0.1)), line.mouth.speak(words("Three", pause_s=0.1))
        )

    log = on_line(act).watch.log
    assert [entry for entry in log if entry.startswith("heard")] == ["heard 'One two'", "heard 'Three'"]
    assert log[-1] == "quiet"
    assert log.count("quiet") == 1


def test_a_speech_without_audio_is_nothing() -> None:
    async def act(line: Line) -> None:
        assert await line.mouth.speak(words()) is NOTHING
        assert await line.mouth.speak(words("Words only", audio=b"")) is NOTHING

    assert "started" not in on_line(act).watch.log


def test_clearing_cuts_the_speech_and_stops_its_making() -> None:
    made: list[str] = []

    async def endless() -> AsyncGenerator[Speech]:
        while True:
            made.append("piece")
            yield Speech(SECOND, "more")
            await asyncio.sleep(0.5)

    async def act(line: Line) -> None:
        speaking = asyncio.create_task(line.mouth.speak(endless()))
        await asyncio.sleep(2.2)
        line.mouth.clear()
        heard = await speaking
        assert not heard.complete
        assert heard.text == "more more"

    assert on_line(act).cleared == 1
    assert len(made) < 8


def test_a_speech_that_stops_coming_is_given_up() -> None:
    async def act(line: Line) -> None:
        with pytest.raises(TimeoutError):
            await line.mouth.speak(words("never", pause_s=SPEECH_LIMIT_S + 1))

    on_line(act)


def test_what_is_said_within_a_speech_interrupts_it_and_it_goes_on_after() -> None:
    async def act(line: Line) -> None:
        async def outer() -> AsyncGenerator[Speech]:
            yield Speech(SECOND, "Before.")
            await line.mouth.speak(words("Within."))
            yield Speech(SECOND, "After.")

        await line.mouth.speak(outer())

    log = on_line(act).watch.log
    assert [entry for entry in log if entry.startswith("heard")] == [
        "heard 'Before.'",
        "heard 'Within.'",
        "heard 'After.'",
    ]
    assert log.count("quiet") == 1


def test_holding_lets_the_lead_run_out_and_resuming_goes_on() -> None:
    async def act(line: Line) -> None:
        speaking = asyncio.create_task(line.mouth.speak(words("One", "two", "three.")))
        await asyncio.sleep(0.5)
        line.mouth.hold()
        await asyncio.sleep(1.0)
        held = line.playout.sent_samples
        assert held <= 8000 * 0.8
        line.mouth.resume()
        assert (await speaking).text == "One two three."
        # The first word is said again.
        assert line.loop.time() == pytest.approx(1.5 + 3.0, abs=0.1)
        assert line.mouth.ledger.underruns == 0

    on_line(act)


def test_raw_audio_is_written_until_it_is_waited_for() -> None:
    async def act(line: Line) -> None:
        for _ in range(10):
            line.mouth.write(bytes(160))
            await asyncio.sleep(0.02)
        await line.mouth.wait_until_quiet()
        assert line.playout.sent_samples == 1600

    assert on_line(act).watch.log == ["started", "heard ''", "quiet"]


def test_raw_audio_does_not_talk_into_a_speech() -> None:
    async def act(line: Line) -> None:
        speaking = asyncio.create_task(line.mouth.speak(words("One", "two.", pause_s=0.2)))
        await asyncio.sleep(0.3)
        line.mouth.write(bytes(160))
        await speaking
        assert line.playout.sent_samples == 16000

    on_line(act)


def test_waiting_for_quiet_has_an_end() -> None:
    async def act(line: Line) -> None:
        line.is_deaf = True
        speaking = asyncio.create_task(line.mouth.speak(words("x" * 10, audio=SECOND * 100)))
        await asyncio.sleep(0.1)
        begun = line.loop.time()
        await line.mouth.wait_until_quiet()
        assert line.loop.time() - begun == pytest.approx(QUIET_LIMIT_S)
        speaking.cancel()
        await asyncio.wait([speaking])

    on_line(act)


def test_a_bot_that_is_suspended_goes_on_from_the_word_last_heard() -> None:
    async def act(line: Line) -> None:
        speaking = asyncio.create_task(line.mouth.speak(words("One", "two", "three.")))
        await asyncio.sleep(1.5)
        line.mouth.suspend()
        assert line.mouth.is_suspended
        assert line.mouth.unheard_ms == 1500
        line.mouth.suspend()
        assert line.cleared == 1
        await asyncio.sleep(0.4)
        assert not line.watch.log.count("quiet")
        line.mouth.resume()
        assert not line.mouth.is_suspended
        assert await speaking == Heard(1, "One two three.", True)
        assert line.loop.time() == pytest.approx(1.5 + 0.4 + 2.0, abs=0.05)
        assert line.mouth.ledger.underruns == 0

    assert on_line(act).watch.log == ["started", "heard 'One two three.'", "quiet"]


def test_a_bot_that_is_suspended_and_cut_has_said_what_was_heard() -> None:
    async def act(line: Line) -> None:
        speaking = asyncio.create_task(line.mouth.speak(words("One", "two", "three.")))
        await asyncio.sleep(1.5)
        line.mouth.suspend()
        await asyncio.sleep(0.4)
        line.mouth.clear()
        assert not line.mouth.is_suspended
        assert line.mouth.unheard_ms == 0
        assert await speaking == Heard(1, "One", False)
        assert await line.mouth.speak(words("Four.")) == Heard(2, "Four.", True)

    assert on_line(act).cleared == 1


def test_a_speech_that_is_suspended_is_read_only_so_far() -> None:
    made: list[int] = []

    async def endless() -> AsyncGenerator[Speech]:
        for number in range(100):
            made.append(number)
            yield Speech(SECOND, "more")
            await asyncio.sleep(0.5)

    async def act(line: Line) -> None:
        speaking = asyncio.create_task(line.mouth.speak(endless()))
        await asyncio.sleep(2.2)
        line.mouth.suspend()
        await asyncio.sleep(30)
        assert line.mouth.unheard_ms == pytest.approx(SUSPENDED_LIMIT_MS, abs=1000)
        so_far = len(made)
        line.mouth.resume()
        await asyncio.sleep(2.2)
        assert so_far + 3 < len(made)
        line.mouth.suspend()
        await asyncio.sleep(30)
        line.mouth.clear()
        assert (await speaking).text == "more more more more"

    on_line(act)


def test_the_watcher_is_told_what_sounds_when_and_what_does_not() -> None:
    async def act(line: Line) -> None:
        await asyncio.sleep(3.0)
        speaking = asyncio.create_task(line.mouth.speak(words("One", "two.", audio=bytes([7]) * 8000)))
        await asyncio.sleep(0.5)
        line.mouth.suspend()
        await asyncio.sleep(0.5)
        line.mouth.resume()
        await speaking

    line = on_line(act)
    assert line.watch.cuts == [3.5]
    for begins_s, payload in line.watch.sent:
        sounds = line.playout.heard(round(begins_s * 8000), round(begins_s * 8000) + len(payload))
        assert sounds == payload


def test_an_utterance_is_told_to_be_audible_once_and_only_if_it_is() -> None:
    async def act(line: Line) -> None:
        await asyncio.sleep(1.0)
        await line.mouth.speak(words("One", "two."))
        speaking = asyncio.create_task(line.mouth.speak(words("Never.")))
        for _ in range(20):
            await asyncio.sleep(0)
        assert line.mouth.unheard_ms == 1000
        line.mouth.clear()
        await speaking
        line.is_deaf = True
        await line.mouth.speak(words("Lost."))

    assert on_line(act).watch.audible == pytest.approx([1.0, 3.0 + 0.03], abs=0.001)
