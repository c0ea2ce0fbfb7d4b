"""Providers by name: entry points of the groups ``mediasrv.stt``, ``.llm``, ``.tts``, ``.realtime`` and ``.turn``.

A package of its own adds a provider by naming a class in one of these groups. A provider's module is imported when its
name is first asked for, and must import without the packages that it stands on: what is missing is told by
``Provider.missing`` and raised by ``start``.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mediasrv.errors import ConfigError
from mediasrv.providers.base import Llm, Provider, Stt, Tts, TurnDetector
from mediasrv.providers.realtime import Realtime
from mediasrv.schema import Reader, given, key_of, suggest

STAGES: Mapping[str, type[Provider]] = {
    "stt": Stt,
    "llm": Llm,
    "tts": Tts,
    "realtime": Realtime,
    "detector": TurnDetector,
}
"""What a provider of each stage, which is its table in the configuration, derives from."""
# Of the stages whose entry points are not named after their table: ``turn`` holds the settings of turn-taking.
_GROUPS = {"detector": "turn"}


def load(stage: str, name: str) -> type[Provider]:
    """Import the provider of a stage; raise ``ConfigError`` for a name that is unknown or leads to no provider."""
    known = _entries(stage)
    if name not in known:
        raise ConfigError(_unknown(stage, name, known))
    try:
        found = known[name].load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{stage} provider {name} cannot be loaded: {error}; reinstall its package") from error
    if not (inspect.isclass(found) and issubclass(found, STAGES[stage])):
        raise ConfigError(f"{stage} provider {name} is broken: {known[name].value} is no {STAGES[stage].__name__}")
    return found


def build(stage: str, options: Mapping[str, Any]) -> Provider:
    """Make a provider from its table in the configuration, whose key ``provider`` names it; it is not started yet.

    Raise ``ConfigError`` for a name or a key that is unknown, a key that is needed and a value of the wrong kind.
    """
    name = options.get("provider")
    if not isinstance(name, str):
        raise ConfigError(f"{stage}: provider: expected a name; known are {', '.join(sorted(_entries(stage)))}")
    cls = load(stage, name)
    table = given({key: value for key, value in options.items() if key != "provider"}, f"{stage} provider {name}")
    for option in fields(cls.Options):
        if _is_needed(option) and key_of(option.name) not in options:
            raise ConfigError(f"{table.source}: {key_of(option.name)}: is needed")
    return cls(_OptionsReader().read(cls.Options, table))


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """A line of ``mediasrv providers``."""

    stage: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    """Option names with their types and defaults, as text."""
    missing: str = ""
    """Why it cannot be used here, with the command that mends it; empty when it can."""


def describe() -> list[ProviderInfo]:
    """All providers there are, by stage and name, with their options and with what keeps them from working."""
    return [_info(stage, name) for stage in STAGES for name in sorted(_entries(stage))]


class _OptionsReader(Reader):
    def flaw(self, name: str, value: Any) -> str:
        """Delays and lengths may be nothing, never less."""
        return "0 or more" if name.endswith(("_ms", "_s", "_hz")) and value < 0 else ""


def _entries(stage: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"mediasrv.{_GROUPS.get(stage, stage)}")}


def _unknown(stage: str, name: str, known: Mapping[str, EntryPoint]) -> str:
    if not known:
        return f"{stage} provider {name!r} is unknown, as all are: mediasrv itself is not installed; pip install it"
    hint = suggest(name, known)
    everything = f"known are {', '.join(sorted(known))}"
    return f"{stage} provider {name!r} is unknown; {hint if hint == everything else f'{hint} {everything}'}"


def _info(stage: str, name: str) -> ProviderInfo:
    try:
        cls = load(stage, name)
    except ConfigError as error:
        return ProviderInfo(stage, name, missing=str(error))
    options = {key_of(field.name): _shape(field) for field in fields(cls.Options)}
    return ProviderInfo(stage, name, options, cls.missing())


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _shape(field: Field[Any]) -> str:
    """A field's type and default as text; the default of a secret is not told."""
    kind = field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)
    if _is_needed(field):
        return f"{kind}, needed"
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return f"{kind} = {default!r}" if field.repr else kind
