"""The one tree of errors: each class says whose fault it is and what the caller of the code may do next."""

from __future__ import annotations


class MediasrvError(Exception):
    """Root of everything this package raises on purpose; its text is one line fit for a log."""


class ConfigError(MediasrvError):
    """The operator's mistake: a setting, a missing package, a wrong hash. The text says what to do."""


class WireError(MediasrvError):
    """A carrier's message protocol was broken, by one side or the other."""


class LocalProtocolError(WireError):
    """Our mistake: a command the carrier cannot obey in this state. Loud, because it is a bug."""


class RemoteProtocolError(WireError):
    """Their mistake: a message that does not parse or does not fit. Counted and skipped; the call goes on."""


class SignatureError(MediasrvError):
    """A request that claims to come from a carrier and cannot prove it."""


class CarrierError(MediasrvError):
    """A carrier's REST API refused or did not answer.

    ``retryable`` tells whether the same request may be made again later without harm. ``uncertain`` tells that nobody
    knows whether the carrier did what was asked: then it must be looked up before it is asked for again. ``status``
    is the HTTP status of the answer, 0 where there was none, and ``retry_after_s`` what the carrier asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        carrier: str,
        retryable: bool = False,
        uncertain: bool = False,
        status: int = 0,
        retry_after_s: float = 0.0,
    ) -> None:
        super().__init__(f"{carrier}: {message}")
        self.carrier = carrier
        self.retryable = retryable
        self.uncertain = uncertain
        self.status = status
        self.retry_after_s = retry_after_s


class ProviderError(MediasrvError):
    """An STT, LLM or TTS provider failed.

    ``retryable`` tells whether the same request may succeed when it is made again, here or elsewhere.
    """

    def __init__(self, message: str, *, stage: str, provider: str, retryable: bool) -> None:
        super().__init__(f"{stage} provider {provider}: {message}")
        self.stage = stage
        self.provider = provider
        self.retryable = retryable


class RecordsError(MediasrvError):
    """The call records could not be written or read: the disk, another process or a broken file is to blame."""


class CallEnded(MediasrvError):
    """The call is over, so what was asked of it cannot happen; ``cause`` says how it ended."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the call has ended: {cause}")
        self.cause = cause
