"""Those who watch calls: metrics, the demo, tests. Watching must not slow a call, so all of this is plain calls."""

from __future__ import annotations

from mediasrv.call.link import CallDetails
from mediasrv.call.recording import Recorded
from mediasrv.call.tally import Tally
from mediasrv.call.trace import TurnTrace
from mediasrv.providers.hedge import Fate
from mediasrv.providers.meter import Use
from mediasrv.providers.witness import ProviderRequest


class Observer:
    """Override what is of interest. Must not raise."""

    def began(self, call_id: str, stream_id: str, agent: str, details: CallDetails) -> None:
        """A stream of a call is up, and an agent is on it; a call that was handed over may come back for another."""

    def said(
        self, call_id: str, side: str, text: str, now: float, *, turn: int | None = None, complete: bool = True
    ) -> None:
        """Words of the ``caller`` were understood, or words of the ``bot`` were heard; ``complete`` unless he broke in.

        The caller's are all those of his turn until now: the same turn may be told again, with more of them.
        """

    def turn_answered(self, call_id: str, trace: TurnTrace) -> None:
        """The caller heard the first sample of a reply."""

    def reply_prepared(self, call_id: str, tokens: int, *, wasted: bool) -> None:
        """A reply that was prepared before the caller had surely finished was wanted, or made in vain."""

    def barged_in(self, call_id: str, now: float) -> None:
        """The caller broke in, and what he had not heard was dropped."""

    def false_alarm(self, call_id: str, now: float) -> None:
        """We held our breath, or fell silent, for what was no barge-in, and went on."""

    def detector_failed(self, call_id: str) -> None:
        """A turn detector gave no answer, or none in time."""

    def left_out(self, work: str) -> None:
        """Something that can be left out was, because the server has too much to do."""

    def asked(self, stage: str, provider: str, fate: Fate) -> None:
        """A request that was made of a provider was answered, overtaken by another, or failed."""

    def requested(self, call_id: str, request: ProviderRequest) -> None:
        """A request that was made of a provider for a call is over."""

    def looked_up(self, cache: str, *, found: bool) -> None:
        """A set phrase was wanted: of the ``phrases`` that agents have ready, or of the ``shelf`` on the disk."""

    def spent(self, call_id: str, provider: str, use: Use, amount: float) -> None:
        """Something was used that a provider is paid for; without a call, by the agents' set phrases."""

    def recorded(self, recording: Recorded) -> None:
        """A recording that we made of a call is over; this may come after the end of the call."""

    def opted_out(self, call_id: str, how: str) -> None:
        """Whoever we speak with asked, by ``speech`` or ``dtmf``, not to be called again."""

    def tallied(self, call_id: str, tally: Tally) -> None:
        """How a call's audio went, told at its end."""

    def ended(self, call_id: str, cause: str) -> None:
        """A call is over."""
