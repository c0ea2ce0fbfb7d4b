"""A language model's answer, sans-IO: events in, deltas out, and what its failures are called."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mediasrv.errors import ProviderError
from mediasrv.net.sse import ServerEvent
from mediasrv.providers.base import Delta, TextDelta, Usage
from mediasrv.providers.loosejson import parse_object, table, word
from mediasrv.providers.vendor import refusal

STAGE = "llm"

# Vendors' words for what no repetition mends.
# fmt: off
_HOPELESS = frozenset({
    "authentication_error", "billing_error", "insufficient_quota", "invalid_api_key", "invalid_request_error",
    "model_not_found", "not_found_error", "permission_error", "request_too_large",
})
# fmt: on

log = logging.getLogger(__name__)


class Answer(ABC):
    """Reads one answer, sans-IO: events in, deltas out. Whatever is unknown in it is skipped."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self.is_over = False
        """Whether its end mark has come."""

    @abstractmethod
    def read(self, event: ServerEvent) -> Iterable[Delta]:
        """Understand an event; raise ``ProviderError`` for what is broken, and for a failure that it reports."""

    def read_all(self, events: Sequence[ServerEvent]) -> Iterable[Delta]:
        """Understand events that came together, up to the answer's end mark, likewise; their words become one text."""
        return self.read(events[0]) if len(events) == 1 else self._joined(events)

    def _joined(self, events: Iterable[ServerEvent]) -> Iterator[Delta]:
        found: list[Delta] = []
        try:
            for event in events:
                for delta in self.read(event):
                    _append(found, delta)
                if self.is_over:
                    break
        except ProviderError:
            # What was written before is there all the same.
            yield from found
            raise
        yield from found

    @abstractmethod
    def finish(self) -> Iterable[Delta]:
        """The answer has ended; raise ``ProviderError`` when it ended before the model did."""

    def parse(self, event: ServerEvent) -> Mapping[str, Any]:
        """The object in an event."""
        found = parse_object(event.data)
        if found is None:
            raise self.failure("sent an event that cannot be read", retryable=True)
        if found.get("error"):
            raise reported(self._provider, found)
        return found

    def cut_off(self) -> ProviderError:
        """The error for an answer that ended too soon."""
        return self.failure("ended its answer in the middle", retryable=True)

    def failure(self, text: str, *, retryable: bool) -> ProviderError:
        """An error of this provider."""
        return ProviderError(text, stage=STAGE, provider=self._provider, retryable=retryable)

    def usage(self, prompt_tokens: int, completion_tokens: int) -> Iterable[Usage]:
        """What it cost, when the vendor has said so."""
        return [Usage(prompt_tokens, completion_tokens)] if prompt_tokens or completion_tokens else []

    def note_length(self) -> None:
        """The model stopped where it had to, not where it wanted."""
        log.warning("reply is at its longest", extra={"provider": self._provider})


def _append(found: list[Delta], delta: Delta) -> None:
    last = found[-1] if found else None
    if isinstance(delta, TextDelta) and isinstance(last, TextDelta):
        found[-1] = TextDelta(last.text + delta.text, last.pieces + delta.pieces)
    else:
        found.append(delta)


def reported(provider: str, answer: Mapping[str, Any], status: int = 0, retry_after: str = "") -> ProviderError:
    """The error that a vendor reports in JSON, as the answer of an HTTP status or (0) in the middle of another one."""
    error = table(answer, "error")
    words = [name for key in ("code", "type", "status") if (name := word(error.get(key)))]
    code = status or error.get("code")
    found = refusal(STAGE, provider, code if isinstance(code, int) else 0)
    text = f"HTTP {status}" if status else "reported an error"
    detail = f", retry after {retry_after} s" if retry_after.isdigit() else ""
    return ProviderError(
        f"{' '.join([text, *words[:1]])}{detail}",
        stage=STAGE,
        provider=provider,
        retryable=found.retryable and _HOPELESS.isdisjoint(words),
    )
