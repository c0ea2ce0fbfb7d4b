"""When vendors switch models off, as far as they have said so: an operator is told at start, not by a dead line.

Sources: OpenAI's page of deprecations, and the table in Anthropic's own Python client.
"""

from __future__ import annotations

import logging
from datetime import date
from fnmatch import fnmatchcase

log = logging.getLogger(__name__)

# The first pattern that fits counts.
_ENDS: tuple[tuple[str, date], ...] = (
    ("tts-1", date(2027, 1, 6)),
    ("tts-1-hd", date(2027, 1, 6)),
    ("gpt-4o-mini-tts", date(2027, 1, 6)),
    ("gpt-realtime", date(2027, 1, 20)),
    ("gpt-realtime-mini", date(2027, 1, 20)),
    ("gpt-audio*", date(2027, 1, 20)),
    ("gpt-4o-*realtime*", date(2027, 1, 20)),
    ("whisper-1", date(2027, 2, 26)),
    ("gpt-4o-*transcribe*", date(2027, 2, 26)),
    ("gpt-4o", date(2027, 1, 14)),
    ("gpt-4o-mini", date(2027, 1, 14)),
    ("gpt-4.1", date(2027, 1, 14)),
    ("gpt-4.1-mini", date(2027, 1, 14)),
    ("claude-3-7-sonnet*", date(2026, 2, 19)),
    ("claude-3-5-haiku*", date(2026, 2, 19)),
    ("claude-opus-4-0", date(2026, 6, 15)),
    ("claude-opus-4-20250514", date(2026, 6, 15)),
    ("claude-sonnet-4-0", date(2026, 6, 15)),
    ("claude-sonnet-4-20250514", date(2026, 6, 15)),
    ("claude-sonnet-4-5", date(2026, 11, 30)),
    ("claude-sonnet-4-5-20250929", date(2026, 11, 30)),
)


def end_of(model: str) -> date | None:
    """The day on which a model is switched off; ``None`` when none was announced."""
    return next((end for pattern, end in _ENDS if fnmatchcase(model, pattern)), None)


def warn_of_sunset(model: str, today: date) -> None:
    """Log a warning when the end of a model has been announced, or has come."""
    if end := end_of(model):
        state = "model will be switched off" if today < end else "model was switched off"
        log.warning(state, extra={"model": model, "end": end.isoformat()})
