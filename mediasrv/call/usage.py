"""What one call has used of its providers: what is paid for."""

from __future__ import annotations

from dataclasses import dataclass

from mediasrv.providers.meter import Use


@dataclass(slots=True)
class CallUsage:
    """Sums over all providers, those included that were asked beside a slow one."""

    prompt_tokens: float = 0
    """Tokens that language models, and models with a voice of their own, were shown, as far as they have said so."""
    completion_tokens: float = 0
    """Tokens that they made, likewise. A reply that is cancelled counts when the provider reports it all the same."""
    characters: float = 0
    """Characters that voices were given to speak; set phrases that were recorded ahead of the call are free."""
    audio_s: float = 0
    """Seconds of the caller's audio, silence included, that recognisers were sent."""

    def add(self, use: Use, amount: float) -> None:
        """Count something more."""
        setattr(self, use.value, getattr(self, use.value) + amount)
