"""Nobody speaks: asking the caller whether he is still there, a few times, and then giving him up.

Who is called is expected to say hello first, where we wait for that; when he does not, he is greeted.
"""

from __future__ import annotations

from mediasrv.turn.events import GiveUp, Greet, PromptCaller
from mediasrv.turn.options import TurnOptions


class Idle:
    """One call's patience with silence."""

    def __init__(self, options: TurnOptions) -> None:
        self._options = options
        self._prompts = 0
        self._hello_ms = 0
        self.due_s: float | None = None
        """When the caller has been silent for too long; None while somebody speaks."""

    @property
    def awaits_hello(self) -> bool:
        """Whether the greeting is still to come."""
        return self._hello_ms > 0

    def await_hello(self, limit_ms: int) -> None:
        """He is to be greeted when he has said hello, or nothing for so long."""
        self._hello_ms = limit_ms

    def begin(self) -> None:
        """We speak."""
        self._hello_ms = 0
        self.cancel()

    def expect(self, now: float) -> None:
        """It is the caller's turn to speak."""
        self.due_s = now + (self._hello_ms or self._options.idle_ms) / 1000

    def cancel(self) -> None:
        """Somebody speaks."""
        self.due_s = None

    def forgive(self) -> None:
        """The caller is there."""
        self._prompts = 0

    def lapse(self, now: float) -> Greet | PromptCaller | GiveUp:
        """He has said nothing for too long."""
        if self.awaits_hello:
            self.due_s = now + self._options.idle_ms / 1000
            return Greet()
        # Our prompt, once it is heard, sets this anew; should it fail, the next is due all the same.
        self.expect(now)
        self._prompts += 1
        return PromptCaller(self._prompts) if self._prompts <= self._options.idle_prompts else GiveUp()
