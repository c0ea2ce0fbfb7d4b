"""What the caller has said in the present utterance, as far as the recogniser has written it down."""

from __future__ import annotations

from enum import Enum, auto

from mediasrv.turn.events import RequestFinal, Transcribed


class Final(Enum):
    """How the recogniser's final stands to what the caller has said."""

    STALE = auto()
    """The caller has spoken since it was asked for, or nobody has asked."""
    ASKED = auto()
    """On its way."""
    IN_HAND = auto()
    """The text is all that was said."""


class Wording:
    """One call's words, utterance by utterance; requests for finals are numbered through the call."""

    def __init__(self) -> None:
        self.text = ""
        """The last transcript, final or not; empty when there are no words."""
        self.final = Final.STALE
        self.keeps_up = False
        """Whether the recogniser has been seen to write down what is still being said."""
        self._request = 0
        self._earlier = ""

    def begin(self) -> None:
        """A new utterance begins, without words."""
        self.text = self._earlier = ""
        self.final = Final.STALE

    def prepend(self, earlier: str) -> None:
        """What is being said goes on with something that was taken for an utterance of its own."""
        self._earlier = earlier
        self.text = f"{earlier} {self.text}".strip()

    def go_on(self) -> None:
        """The caller says more, so no final asked for until now is all of it."""
        self.final = Final.STALE

    def ask(self) -> RequestFinal:
        """Ask for the final of what was said until now."""
        self.final = Final.ASKED
        self._request += 1
        return RequestFinal(self._request)

    def renew(self) -> RequestFinal:
        """Ask again for what was asked for last, which stays in hand."""
        return RequestFinal(self._request)

    def is_asked(self, request: int) -> bool:
        """Whether the caller has said nothing since this was asked."""
        return request == self._request and self.final is not Final.STALE

    def end(self) -> None:
        """The recogniser itself says that its last transcript is all that was said."""
        self.final = Final.IN_HAND

    def receive(self, event: Transcribed) -> bool:
        """Take a transcript; returns whether it is the final that is awaited."""
        self.text = f"{self._earlier} {event.text.strip()}".strip()
        self.keeps_up |= bool(self.text) and not event.is_final
        if self.final is not Final.ASKED or not event.is_final or event.request != self._request:
            return False
        self.final = Final.IN_HAND
        return True
