"""How patient the agent is: endpointing and barge-in."""

from __future__ import annotations

from dataclasses import dataclass

from mediasrv.errors import ConfigError

ENDPOINTS = ("endpoint_ms", "endpoint_unsure_ms", "endpoint_incomplete_ms", "endpoint_dictation_ms")
"""The waits of endpointing, from the shortest to the longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOptions:
    """Keys of ``[agents.NAME.turn]``: the floor. Speech and silence are media time; waits for others are not."""

    onset_ms: int = 60
    """Voice, nearly unbroken, that makes an utterance out of noise."""
    thinking_onset_ms: int = 60
    """The same while the reply is in the making: it is begun anew when the caller has finished."""
    final_request_ms: int = 40
    """Silence after which the recogniser is asked for its final; half of it where the voice sounds like an end."""
    endpoint_ms: int = 420
    """Silence that ends the caller's turn when what he said is complete."""
    endpoint_unsure_ms: int = 560
    """The same when it may be complete or not, or when nobody knows; as each wait here at least the one before."""
    endpoint_incomplete_ms: int = 1000
    """The same when something must follow, as after "and" or "my"."""
    endpoint_dictation_ms: int = 1400
    """The same in the midst of a number, an address or a word that is spelled."""
    patience: float = 1.0
    """Scales the waits above: more patience cuts in less and answers later."""
    language: str = "en"
    """What the caller speaks: there are rules for ``en`` and ``hi``; in other languages only pauses count."""
    final_wait_ms: int = 1500
    """Longest wait for a final after the endpoint; then the last interim counts."""
    utterance_limit_ms: int = 60_000
    """Longest utterance that is waited for: beyond it any breath of the caller's ends it."""
    speculation: bool = True
    """Whether a reply is prepared before it is sure that the caller has finished."""
    speculation_lead_ms: int = 440
    """How long before the expected endpoint a reply may be prepared; less where replies are known to take less."""
    speculation_tries: int = 12
    """How often a reply is prepared in one turn."""
    speculation_waste_percent: int = 60
    """Share of the tokens prepared that may be in vain; beyond it nothing is prepared."""
    suspicion_ms: int = 60
    """Voice over our own speech that makes us hold our breath."""
    barge_in_ms: int = 120
    """Voice over our own speech that silences us."""
    barge_in_words: int = 0
    """Words over our own speech that it takes to silence us; 0: the voice is enough."""
    backchannel_ms: int = 1200
    """Voice over our own speech that is more than a backchannel, whatever its words are."""
    false_alarm_ms: int = 240
    """Silence after that, with no more words than a backchannel's, which lets us go on."""
    interruptible_greeting: bool = True
    """Whether the caller may break into the greeting."""
    idle_ms: int = 8000
    """Silence on both sides before we ask whether the caller is still there."""
    idle_prompts: int = 2
    """How often we ask before we say goodbye."""

    def __post_init__(self) -> None:
        for name in ("onset_ms", "thinking_onset_ms", "utterance_limit_ms", "false_alarm_ms", "idle_ms", *ENDPOINTS):
            if getattr(self, name) <= 0:
                raise ConfigError(f"turn.{name} must be more than 0")
        for name in ("final_wait_ms", "idle_prompts", "barge_in_words", "speculation_lead_ms", "speculation_tries"):
            if getattr(self, name) < 0:
                raise ConfigError(f"turn.{name} must not be less than 0")
        if not 0 < self.final_request_ms < self.endpoint_ms:
            raise ConfigError("turn.final_request_ms must lie between 0 and turn.endpoint_ms")
        if not 0.25 <= self.patience <= 4:
            raise ConfigError("turn.patience must lie between 0.25 and 4")
        if not 0 < self.suspicion_ms <= self.barge_in_ms <= self.backchannel_ms:
            raise ConfigError("turn.suspicion_ms, barge_in_ms and backchannel_ms must be above 0 and in this order")
        if not 0 <= self.speculation_waste_percent <= 100:
            raise ConfigError("turn.speculation_waste_percent must lie between 0 and 100")
