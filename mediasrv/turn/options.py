"""How patient the agent is: endpointing and barge-in."""

from __future__ import annotations

from dataclasses import dataclass

from mediasrv.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOptions:
    """Keys of ``[agents.NAME.turn]``. Speech and silence are media time; waiting for others is wall time."""

    onset_ms: int = 60
    """Voice, nearly unbroken, that makes an utterance out of noise."""
    final_request_ms: int = 80
    """Silence after which the recogniser is asked for its final."""
    endpoint_ms: int = 460
    """Silence that ends the caller's turn."""
    final_wait_ms: int = 1500
    """Longest wait for a final after the endpoint; then the last interim counts."""
    suspicion_ms: int = 60
    """Voice over our own speech that makes us hold our breath."""
    barge_in_ms: int = 120
    """Voice over our own speech that stops us."""
    false_alarm_ms: int = 300
    """Silence after a suspicion that lets us go on."""
    interruptible_greeting: bool = True
    """Whether the caller may break into the greeting."""
    idle_ms: int = 8000
    """Silence on both sides before we ask whether the caller is still there."""
    idle_prompts: int = 2
    """How often we ask before we say goodbye."""

    def __post_init__(self) -> None:
        for name in ("onset_ms", "false_alarm_ms", "idle_ms"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"turn.{name} must be more than 0")
        for name in ("final_wait_ms", "idle_prompts"):
            if getattr(self, name) < 0:
                raise ConfigError(f"turn.{name} must not be less than 0")
        if not 0 < self.final_request_ms < self.endpoint_ms:
            raise ConfigError("turn.final_request_ms must lie between 0 and turn.endpoint_ms")
        if not 0 < self.suspicion_ms <= self.barge_in_ms:
            raise ConfigError("turn.suspicion_ms must be more than 0 and at most turn.barge_in_ms")
