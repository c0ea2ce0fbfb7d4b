"""A turn machine on a clock of its own, so that a test reads like the conversation it is about."""

from __future__ import annotations

from typing import Any

from mediasrv.audio.format import PTIME_MS
from mediasrv.call.phrasebook import language_of
from mediasrv.turn.events import (
    Action,
    EndRated,
    Event,
    PlayoutFinished,
    PlayoutStarted,
    RateEnd,
    StartReply,
    Transcribed,
)
from mediasrv.turn.machine import TurnMachine
from mediasrv.turn.options import ENDPOINTS, TurnOptions
from mediasrv.turn.state import State

# The clock of a call starts anywhere.
START_S = 7000.0
# Round figures, so that a test can count frames.
PATIENCE: dict[str, Any] = dict.fromkeys(ENDPOINTS, 460) | {
    "final_request_ms": 80,
    "false_alarm_ms": 300,
    "speculation": False,
}
ENGLISH = language_of("en")
# More actions than that without time passing, and the machine is running in a circle.
MAX_TICKS = 10


def final(text: str, request: int) -> Transcribed:
    """The final that was asked for."""
    return Transcribed(text, is_final=True, request=request)


class Conversation:
    """Feeds frames and events, performs the ticks, and keeps what is ordered.

    In frames, ``v`` is speech, ``n`` another voiced sound and ``.`` silence.
    """

    def __init__(self, **options: Any) -> None:
        self.machine = TurnMachine(TurnOptions(**PATIENCE | options), ENGLISH)
        self.now = START_S
        self.log: list[tuple[int, Action]] = []
        """Every action with its time, in milliseconds since the call began."""
        self.finality: float | None = None
        """How finished the caller's voice sounds in his pauses."""
        self._read = 0
        self._waiting, self._patience = 0, 1
        self.machine.start(self.now)

    def state(self) -> State:
        """Who has the floor."""
        return self.machine.state

    @property
    def now_ms(self) -> int:
        return round((self.now - START_S) * 1000)

    def hear(self, frames: str) -> list[Action]:
        """Each frame takes its 20 ms; returns what was ordered meanwhile.

        The machine is told of each as it comes, and must not order anything at one that it had the patience to be
        told of later. But that a pause begins may come to light with its second frame, and that nothing more is
        waited for a frame later.
        """
        for frame in frames:
            self._advance(PTIME_MS)
            actions = self.machine.hear(frame in "vn", PTIME_MS * (frame == "v"), self.now)
            self._waiting += 1
            if self._waiting >= self._patience:
                self._waiting, self._patience = 0, self.machine.patience
            else:
                assert not actions or RateEnd() in actions or self.machine._saying.is_talked_out, "too patient"
            self._note(actions)
        return self.ordered()

    def tell(self, event: Event) -> list[Action]:
        """Something happens, now."""
        self._patience = 1
        self._note(self.machine.receive(event, self.now))
        return self.ordered()

    def wait(self, duration_ms: int) -> list[Action]:
        """Time passes and no frame comes."""
        self._patience = 1
        self._advance(duration_ms)
        return self.ordered()

    def ordered(self) -> list[Action]:
        """The actions since this was asked last."""
        fresh = [action for _, action in self.log[self._read :]]
        self._read = len(self.log)
        return fresh

    def at(self, action: Action) -> int:
        """When an action was ordered, which must have been once."""
        (time_ms,) = [time_ms for time_ms, each in self.log if each == action]
        return time_ms

    def _advance(self, duration_ms: int) -> None:
        """The shell's alarm: ticks at every deadline on the way."""
        until = START_S + (self.now_ms + duration_ms) / 1000
        ticks = 0
        while (due := self.machine.deadline()) is not None and due <= until:
            assert ticks < MAX_TICKS or due > self.now, "the machine is running in a circle"
            ticks = ticks + 1 if due <= self.now else 0
            self.now = max(self.now, due)
            self._note(self.machine.tick(self.now))
        self.now = until

    def _note(self, actions: Any) -> None:
        for action in actions:
            if isinstance(action, RateEnd):
                self._note(self.machine.receive(EndRated(self.finality), self.now))
            else:
                self.log.append((self.now_ms, action))

    # -- ready-made passages -------------------------------------------------------------------------------------

    def caller_says(self, text: str) -> list[Action]:
        """The caller says something and is understood at once; ends where our reply has to start."""
        before = self.machine.turn
        self.hear("v" * 25 + "." * 4)
        self.tell(Transcribed(text, is_final=True, request=self.last_request))
        actions = self.hear("." * 19)
        assert actions == [StartReply(before + 1, text)]
        return actions

    def bot_answers(self, text: str = "What can I do for you?") -> None:
        """The caller says something, and we have begun to answer."""
        self.caller_says(text)
        self.hear("." * 5)
        self.tell(PlayoutStarted())
        assert self.state() is State.SPEAKING

    def caller_breaks_in(self, text: str = "stop") -> list[Action]:
        """The caller takes the floor from us; ends while he speaks."""
        self.hear("v" * 6)
        self.tell(Transcribed(text))
        return self.hear("v")

    def bot_says(self, *, interruptible: bool = True) -> list[Action]:
        """We begin to say something that is no reply."""
        return self.tell(PlayoutStarted(interruptible))

    def bot_is_heard(self) -> list[Action]:
        """All that we said was heard."""
        return self.tell(PlayoutFinished())

    @property
    def last_request(self) -> int:
        """The number of the last request for a final."""
        return max((getattr(action, "request", 0) for _, action in self.log), default=0)
