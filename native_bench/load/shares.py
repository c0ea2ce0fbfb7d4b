"""What samples of the server's stack say about where its time goes.

A sample that was not taken within a callback of the loop belongs to nobody: the loop waited, or was at work itself. Any
other belongs to the innermost function that has a part of its own. The WebSocket is everybody's: where it works for
a provider's adapter, or reads what one is told, the sample is the provider's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

Place = tuple[str, str, str]
"""Module, function, and a note: ``first`` for a first instruction, or the module that a socket's messages go to."""
Stack = tuple[Place, ...]
"""Innermost first."""

WEBSOCKET, JSON, CODEC, VAD = "WebSocket", "JSON and base64", "codec and jitter buffer", "voice detector"
STT, LLM, TTS = "STT send and receive", "LLM receive", "TTS receive"
PACER, TURN, LOOP, REST = "pacer and playout", "turn machine", "event loop and system calls", "rest"
PARTS = (WEBSOCKET, JSON, CODEC, VAD, STT, LLM, TTS, PACER, TURN, LOOP, REST)

# By the beginning of a module's name; the longest that fits counts.
_PARTS: dict[str, str | None] = {
    "mediasrv.wire": JSON,
    "json": JSON,
    "base64": JSON,
    "mediasrv.audio": CODEC,
    # The door to machine code: whoever asks for it.
    "mediasrv.audio.kernel": None,
    "mediasrv.audio.pitch": TURN,
    "mediasrv.audio.spectrum": TURN,
    "mediasrv.audio.correlate": TURN,
    "mediasrv.turn": TURN,
    "mediasrv.turn.vad": VAD,
    "mediasrv.turn.voicerun": VAD,
    "mediasrv.turn.bands": VAD,
    "mediasrv.turn.gate": VAD,
    "mediasrv.turn.playout": PACER,
    "mediasrv.turn.flow": PACER,
    "mediasrv.turn.script": PACER,
    "mediasrv.turn.soundtrack": PACER,
    "mediasrv.turn.marks": PACER,
    "mediasrv.turn.reckoning": PACER,
    "mediasrv.turn.utterance": PACER,
    "mediasrv.turn.fade": PACER,
    "mediasrv.call.pacer": PACER,
    "mediasrv.call.mouth": PACER,
    "mediasrv.call.feeder": PACER,
    "mediasrv.call.audience": PACER,
    "mediasrv.providers.alarm": PACER,
    "mediasrv.providers.deepgram": STT,
    "mediasrv.providers.recogniser": STT,
    "mediasrv.providers.socketstt": STT,
    "mediasrv.providers.fallback_stt": STT,
    "mediasrv.providers.reel": STT,
    "mediasrv.providers.openai": LLM,
    "mediasrv.providers.httpllm": LLM,
    "mediasrv.net.sse": LLM,
    "aiohttp": LLM,
    "mediasrv.providers.cartesia": TTS,
    "mediasrv.providers.sockettts": TTS,
    "mediasrv.providers.contextdiction": TTS,
    "mediasrv.providers.diction": TTS,
    "mediasrv.providers.voiceline": TTS,
    "mediasrv.providers.voicepool": TTS,
}
_SHARED = ("mediasrv.net", "websockets")
_PROVIDERS = (STT, LLM, TTS)
# What stands below every callback from the program's start on; the hook is the program itself.
_BELOW = ("asyncio", "uvloop", "selectors", "__main__", "runpy", "mediasrv.cli", "mediasrv.commands")


def part_of(stack: Stack) -> str | None:
    """The part that a sample belongs to; ``None`` for the loop, which waited or was at work itself."""
    below = stack[1:] if stack and stack[0][2] == "first" else stack
    if all(_begins(module, _BELOW) for module, _, _ in below):
        return None
    is_shared = False
    for module, _, note in stack:
        part = _own_part(module)
        if is_shared and part not in (*_PROVIDERS, None):
            return WEBSOCKET
        if part == CODEC:
            return _asker(stack)
        if part is not None:
            return part
        is_shared |= _begins(module, _SHARED)
        if is_shared and note not in ("", "first"):
            return _own_part(note) or WEBSOCKET
    return WEBSOCKET if is_shared else REST


def counted(samples: Iterable[tuple[Stack, int]]) -> Counter[str]:
    """Samples by part; the loop's are left out."""
    counts: Counter[str] = Counter()
    for stack, count in samples:
        if (part := part_of(stack)) is not None:
            counts[part] += count
    return counts


def hottest(samples: Iterable[tuple[Stack, int]], most: int) -> list[tuple[str, int]]:
    """The functions in which most samples were, with their numbers; the loop's are left out."""
    counts: Counter[str] = Counter()
    for stack, count in samples:
        if part_of(stack) is not None:
            counts[".".join(stack[0][:2])] += count
    return counts.most_common(most)


def _asker(stack: Stack) -> str:
    """Sums over samples are the voice detector's or the turn machine's where these ask for them."""
    parts = (part for module, _, _ in stack if (part := _own_part(module)) not in (CODEC, None))
    asker = next(parts, None)
    return asker if asker in (VAD, TURN) else CODEC


def _own_part(module: str) -> str | None:
    fits = [name for name in _PARTS if module == name or module.startswith(f"{name}.")]
    return _PARTS[max(fits, key=len)] if fits else None


def _begins(module: str, names: Iterable[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)
