"""What an operator may say about calls that we make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from mediasrv.errors import ConfigError

PURPOSES = ("promotional", "service", "transactional")
"""Why somebody is called; the law has rules for each."""

# Plivo's India accounts: calls per second are a 25th of the calls that may be up at a time.
_CONCURRENCY_PER_CPS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundOptions:
    """Keys of ``[outbound]``: the calls that we make."""

    carrier: str = "plivo"
    """Who places the calls: `plivo`, `twilio`, `exotel` or `telnyx`."""
    from_number: str = ""
    """Number that service and transactional calls come from, in E.164."""
    promotional_from_number: str = ""
    """Number that promotional calls come from; in India one of the 140 series."""
    concurrency: int = 50
    """Calls at a time that the account may have, those that ring and those that come in counted."""
    calls_per_second: float = 0.0
    """Calls that the account may begin in a second; 0: a 25th of `concurrency`."""
    ring_timeout_s: int = 45
    """How long a phone rings."""
    time_limit_s: int = 3600
    """Longest call."""
    detect_machine: bool = False
    """Whether the carrier listens for answering machines and tells us."""
    most_calls: int = 3
    """How often one order may ring at most: the first call and those after busy and no answer."""
    retry_on: tuple[str, ...] = ("busy", "no answer")
    """Ends after which it is tried again."""
    retry_after_s: int = 900
    """Wait before that; each time twice the last."""
    congestion_retry_s: float = 2.0
    """Wait after the carrier had no room (5030, 429) and no phone rang; each time twice the last, up to a minute."""
    congestion_tries: int = 12
    """How often that may happen to one order in a row."""
    webhook_within_s: int = 60
    """How long word of a call may be overdue before the carrier is asked about it."""
    uncertain_for_s: int = 60
    """How long a call of which nobody knows whether it was placed is looked for before it counts as not placed."""

    def __post_init__(self) -> None:
        positive = ("concurrency", "ring_timeout_s", "time_limit_s", "most_calls", "retry_after_s")
        for name in (*positive, "congestion_retry_s", "congestion_tries", "webhook_within_s", "uncertain_for_s"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be more than 0")
        if self.calls_per_second < 0:
            raise ConfigError("calls_per_second must not be less than 0")
        if unknown := set(self.retry_on) - {"busy", "no answer"}:
            raise ConfigError(f'retry_on may hold "busy" and "no answer", got {sorted(unknown)}')

    @property
    def pace_per_s(self) -> float:
        """Calls begun in a second."""
        return self.calls_per_second or self.concurrency / _CONCURRENCY_PER_CPS


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceOptions:
    """Keys of ``[compliance]``: rules that each call of ours must pass, at first and when it is tried again."""

    window_start: str = "09:00"
    """Nobody is called before this time where he lives."""
    window_end: str = "21:00"
    """Nor from this time on."""
    do_not_call_file: str = ""
    """File of numbers that must not be called, one a line; read again when it changes."""
    do_not_call_url: str = ""
    """Asked about each number: `POST` of `{"number": …}`, answered by `{"listed": true}` or `false`."""
    do_not_call_timeout_s: float = 3.0
    """Longest wait for its answer; without one the call is refused."""
    do_not_call_required_for: tuple[str, ...] = ("promotional",)
    """Purposes for which a call is refused when there is neither file nor URL; a list that is there always counts."""
    consent_required_for: tuple[str, ...] = PURPOSES
    """Purposes for which a consent must be on record that covers them."""
    consent_file: str = ""
    """CSV file of consents: `number, purpose, granted, source` and, where it differs, `expires` (ISO 8601 dates)."""
    consent_days: int = 180
    """Life of a consent that does not say when it expires."""
    most_calls: int = 3
    """Calls to one number in a period, whoever ordered them."""
    most_calls_period_h: float = 24.0
    """The period."""
    indian_series: bool = True
    """Whether Indian numbers we call from must fit the purpose: 140… for promotional calls, and for no others."""
    regulated_finance: bool = False
    """Whether service and transactional calls must come from 160…, as banks and insurers in India must."""

    def __post_init__(self) -> None:
        if self.window[0] >= self.window[1]:
            raise ConfigError("window_start must be before window_end")
        for name in ("do_not_call_timeout_s", "consent_days", "most_calls", "most_calls_period_h"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be more than 0")
        for name in ("do_not_call_required_for", "consent_required_for"):
            if unknown := set(getattr(self, name)) - set(PURPOSES):
                raise ConfigError(f"{name} may hold {', '.join(PURPOSES)}, got {', '.join(sorted(unknown))}")

    @property
    def window(self) -> tuple[time, time]:
        """The calling window; raise ``ConfigError`` for what is no time of day."""
        return _time_of_day("window_start", self.window_start), _time_of_day("window_end", self.window_end)


def _time_of_day(name: str, text: str) -> time:
    try:
        read = time.fromisoformat(text)
    except ValueError:
        raise ConfigError(f'{name}: expected a time of day such as "09:00", got {text!r}') from None
    if read.tzinfo is not None:
        raise ConfigError(f"{name}: the time is the callee's; leave the zone out")
    return read
