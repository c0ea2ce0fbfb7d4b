"""What a call's tasks tell of the providers they ask: told in their contexts, which outlive the call.

A connection that is opened for a call, and every timer of it, keeps the context it was opened in for as long as it is
lent from one call to the next. So what is put into a context knows the call by its name alone: otherwise each pooled
connection would keep a call that is long over, with all its audio.
"""

from __future__ import annotations

from contextvars import Context

from mediasrv.call.observer import Observer
from mediasrv.call.usage import CallUsage
from mediasrv.providers.meter import Use, set_meter
from mediasrv.providers.witness import ProviderRequest, set_witness


class Spending:
    """One call's."""

    def __init__(self, call_id: str, observer: Observer) -> None:
        self._call_id = call_id
        self._observer = observer
        self.usage = CallUsage()
        """All of it until now."""

    def count_in(self, context: Context) -> None:
        """Have what is used and asked for in a context counted as this call's."""
        context.run(set_meter, self._count)
        context.run(set_witness, self._note_request)

    def _count(self, provider: str, use: Use, amount: float) -> None:
        self.usage.add(use, amount)
        self._observer.spent(self._call_id, provider, use, amount)

    def _note_request(self, request: ProviderRequest) -> None:
        self._observer.requested(self._call_id, request)
