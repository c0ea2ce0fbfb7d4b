"""A ledger with something to say, and what comes of it, so that a test reads like the playout that it is about."""

from __future__ import annotations

from mediasrv.audio.format import MULAW_8K
from mediasrv.turn.playout import PlayoutLedger
from mediasrv.turn.utterance import Audible, Heard, Outcome
from mediasrv.wire.events import Command, Mark, PlayMedia

# The clock of the examples starts late: the ledger must not take its own beginning for the world's.
T = 5000.0
# What the examples' carriers have ahead, so that they can be read with round numbers.
LEAD_MS = 200


def tone(duration_ms: int, value: int = 1) -> bytes:
    return bytes([value]) * MULAW_8K.bytes_in(duration_ms)


def audio_ms(commands: list[Command]) -> int:
    """Milliseconds of audio."""
    return sum(len(command.payload) // 8 for command in commands if isinstance(command, PlayMedia))


def marks(commands: list[Command]) -> list[str]:
    return [command.name for command in commands if isinstance(command, Mark)]


def settled(outcomes: list[Outcome]) -> list[Heard]:
    return [outcome for outcome in outcomes if isinstance(outcome, Heard)]


def beginnings(outcomes: list[Outcome]) -> dict[int, float]:
    """When utterances were heard to begin, by number."""
    return {outcome.utterance: outcome.at_s for outcome in outcomes if isinstance(outcome, Audible)}


def cut(ledger: PlayoutLedger, now: float) -> list[Heard]:
    """Clear as the mouth does."""
    ledger.suspend(now)
    return settled(ledger.clear(now))


def saying(*phrases: tuple[str, int], lead_ms: int = LEAD_MS) -> PlayoutLedger:
    """A ledger with one utterance queued and closed, phrase by phrase with its milliseconds."""
    ledger = PlayoutLedger(MULAW_8K, lead_ms)
    say(ledger, *phrases)
    return ledger


def say(ledger: PlayoutLedger, *phrases: tuple[str, int]) -> int:
    number = ledger.open()
    for text, duration_ms in phrases:
        ledger.queue(number, tone(duration_ms), text)
    ledger.close(number)
    return number


def feed(ledger: PlayoutLedger, start: float, stop: float) -> list[Command]:
    """What is sent when ``due`` is asked every 20 ms in a span of time."""
    return [command for tick in range(round((stop - start) * 50)) for command in ledger.due(start + tick / 50)]


def sound(duration_ms: int) -> bytes:
    """Speech-like: every sample differs from its neighbours, and none is silent."""
    return bytes(1 + place % 100 for place in range(MULAW_8K.bytes_in(duration_ms)))


def speaking(text: str = "one two three four five", duration_ms: int = 2400) -> tuple[PlayoutLedger, bytes]:
    """A ledger with an utterance of five words, 500 ms each with the space behind, but for its end."""
    ledger = PlayoutLedger(MULAW_8K, LEAD_MS)
    number = ledger.open()
    ledger.queue(number, sound(duration_ms), text)
    ledger.close(number)
    return ledger, sound(duration_ms)


def payloads(commands: list[Command]) -> list[bytes]:
    return [command.payload for command in commands if isinstance(command, PlayMedia)]
