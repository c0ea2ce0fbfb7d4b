"""Endpointing: deciding that the caller has finished.

Here it is a length of silence. What was said so far is at hand, so that a wait may come to depend on it.
"""

from __future__ import annotations

from mediasrv.turn.options import TurnOptions


class Endpointing:
    """How long a silence the caller may leave before the turn is ours."""

    def __init__(self, options: TurnOptions) -> None:
        self._endpoint_ms = options.endpoint_ms

    def wait_ms(self, text: str) -> int:
        """The silence that ends an utterance which, as far as it is known, says this."""
        return self._endpoint_ms
