"""Settings: a TOML file, overridden by environment variables, overridden by flags.

Each layer is read into a tree of what was given and where. The trees are laid over one another, sealed secrets are
opened, and the whole is read by the annotations of the options classes, which live in the rooms that obey them.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat
from mediasrv.call.options import AgentOptions
from mediasrv.carriers.options import ExotelOptions, PlivoOptions, TelnyxOptions, TwilioOptions
from mediasrv.errors import ConfigError
from mediasrv.fleet.options import FleetOptions
from mediasrv.outbound.options import ComplianceOptions, OutboundOptions
from mediasrv.providers import registry
from mediasrv.records.options import RecordingOptions, RecordsOptions
from mediasrv.replay.options import CaptureOptions
from mediasrv.schema import Given, Reader, Table, given, key_of, suggest
from mediasrv.server.options import ApiOptions, OtelOptions, ServerOptions
from mediasrv.vault import MASK, Secret, Vault, is_loopback_host, is_secret_name

PREFIX = "MEDIASRV_"
"""Of environment variables that are settings; two underscores then part one name from the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator may say; without a word, one agent on the local models."""

    server: ServerOptions = field(default_factory=ServerOptions)
    api: ApiOptions = field(default_factory=ApiOptions)
    plivo: PlivoOptions = field(default_factory=PlivoOptions)
    twilio: TwilioOptions = field(default_factory=TwilioOptions)
    exotel: ExotelOptions = field(default_factory=ExotelOptions)
    telnyx: TelnyxOptions = field(default_factory=TelnyxOptions)
    recording: RecordingOptions = field(default_factory=RecordingOptions)
    record: CaptureOptions = field(default_factory=CaptureOptions)
    fleet: FleetOptions = field(default_factory=FleetOptions)
    otel: OtelOptions = field(default_factory=OtelOptions)
    records: RecordsOptions = field(default_factory=RecordsOptions)
    outbound: OutboundOptions = field(default_factory=OutboundOptions)
    compliance: ComplianceOptions = field(default_factory=ComplianceOptions)
    agents: Mapping[str, AgentOptions] = field(default_factory=lambda: {"default": AgentOptions()})

    @property
    def stream_format(self) -> AudioFormat:
        """What streams are expected to carry, before they have said so themselves."""
        return _FORMATS[self.plivo.content_type]


def load(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """Read all layers; ``flags`` are values by dotted key, ``None`` where a flag was not given.

    Raise ``ConfigError`` for a file that cannot be read, a key that is unknown, a value of the wrong kind or out of
    range, and a secret that is missing or stands in plain text.
    """
    tree: Table = _from_file(path) if path else {}
    _lay_over(tree, _from_environment(environ, tree))
    _lay_over(tree, _from_flags(flags or {}))
    if "agents" in tree and tree["agents"].value == {}:
        del tree["agents"]
    reader = _SettingsReader(Vault(environ, path.parent if path else Path()))
    settings: Settings = reader.read(Settings, Given(tree, str(path or "environment")))
    server = settings.server
    if path is None and tree.keys().isdisjoint(_CARRIERS) and is_loopback_host(server.host):
        # Nobody has an account to sign with: whoever tries the server out on its own machine is let in.
        open_doors = {name: replace(getattr(settings, name), verify_signatures=False) for name in _CARRIERS}
        settings = replace(settings, **open_doors)
    return replace(settings, server=replace(server, public_url=server.public_url.rstrip("/")))


def provider_tables(settings: Settings) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """All providers that are asked for, second ones too: the place in the configuration, the stage and the table."""
    for name, agent in settings.agents.items():
        for stage in agent.stages:
            for place, options in zip((stage, f"fallback.{stage}"), agent.crew(stage), strict=False):
                yield f"agents.{name}.{place}", stage, options


def check_providers(settings: Settings) -> None:
    """Raise ``ConfigError`` for a provider that is unknown, not installed, or set up in a way it does not know."""
    for place, stage, options in provider_tables(settings):
        try:
            problem = registry.build(stage, options).missing()
        except ConfigError as error:
            problem = str(error)
        if problem:
            raise ConfigError(f"{place}: {problem}")


def check_numbers(settings: Settings) -> None:
    """Raise ``ConfigError`` for a carrier's number that is none, or that an agent answers who is not there."""
    for carrier in _CARRIERS:
        for number, agent in getattr(settings, carrier).numbers.items():
            if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
                raise ConfigError(f"{carrier}.numbers: {number!r} is no number in E.164, such as +912212345678")
            if agent not in settings.agents:
                hint = suggest(agent, settings.agents)
                raise ConfigError(f"{carrier}.numbers.{number}: there is no agent {agent!r}; {hint}")


def masked(settings: Settings) -> str:
    """The resolved tree as TOML, secrets masked."""
    return "\n".join(_toml(_masked(settings), "")).strip() + "\n"


def _from_file(path: Path) -> Table:
    try:
        return _table(given(tomllib.loads(path.read_text(encoding="utf-8")), str(path)))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected a TOML file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None


def _from_environment(environ: Mapping[str, str], below: Table) -> Table:
    """The settings among the variables; one without a double underscore is somebody else's."""
    tree: Table = {}
    for variable in sorted(environ):
        path = variable.removeprefix(PREFIX).lower().split("__")
        if variable.startswith(PREFIX) and len(path) > 1:
            if path[0] == "agents":
                path[1] = _agent_spelling(path[1], _table(below.get("agents")))
            _plant(tree, path, Given(environ[variable], variable, is_text=True))
    return tree


def _from_flags(flags: Mapping[str, object]) -> Table:
    tree: Table = {}
    for key, value in flags.items():
        if value is not None:
            path = key.split(".")
            _plant(tree, path, Given(value, f"--{path[-1]}"))
    return tree


def _table(node: Given | None) -> Table:
    return node.value if node and isinstance(node.value, dict) else {}


def _agent_spelling(name: str, agents: Table) -> str:
    """The agent's name as the file writes it: a variable's name has neither case nor hyphens."""
    return next((known for known in agents if known.lower().replace("-", "_") == name), name)


def _plant(tree: Table, path: list[str], leaf: Given) -> None:
    *branches, name = path
    for branch in branches:
        node = tree.setdefault(branch, Given({}, leaf.source))
        if not isinstance(node.value, dict):
            raise ConfigError(f"{leaf.source}: {'.'.join(path)}: {node.source} says that {branch} is no table")
        tree = node.value
    tree[name] = leaf


def _lay_over(lower: Table, upper: Table) -> None:
    """Put a layer over another, in place; a key in any spelling, sealed or plain, replaces all spellings of it."""
    for name, item in upper.items():
        if not (_table(item) and _table(lower.get(name))):
            stem = name.removesuffix("_env").removesuffix("_file")
            for spelling in (stem, f"{stem}_env", f"{stem}_file"):
                lower.pop(spelling, None)
    for name, item in upper.items():
        if name in lower:
            _lay_over(_table(lower[name]), _table(item))
        else:
            lower[name] = item


class _SettingsReader(Reader):
    """Opens secrets and knows the ranges."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def unseal(self, table: Table, key: str, options: type | None) -> Table:
        return self._vault.unseal(table, key, options)

    def flaw(self, name: str, value: Any) -> str:
        expected, fits = _RANGES.get(name, ("", bool))
        return "" if fits(value) else expected


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path in ("", "/") and not parts.query


_FORMATS = {str(audio): audio for audio in (MULAW_8K, L16_8K, L16_16K)}
_CARRIERS = ("plivo", "twilio", "exotel", "telnyx")
_DURATION = ("a duration above 0", lambda value: value > 0)
_RANGES: Mapping[str, tuple[str, Callable[[Any], object]]] = {
    "class": ("MODULE:NAME", lambda name: not name or re.fullmatch(r"[\w.]+:\w+", name)),
    "codec": ("one of PCMU, PCMA, L16", ("PCMU", "PCMA", "L16").__contains__),
    "content_type": (f"one of {', '.join(_FORMATS)}", _FORMATS.__contains__),
    "drain_s": _DURATION,
    "host": ("an address, such as 127.0.0.1", bool),
    "max_busy_percent": ("more than 0", lambda percent: percent > 0),
    "max_lag_ms": _DURATION,
    "recover_s": _DURATION,
    "max_calls": ("at least 1", lambda calls: calls >= 1),
    "max_duration_s": _DURATION,
    "port": ("a port from 0 to 65535", lambda port: 0 <= port <= 65535),
    "sample_rate": ("8000, 16000 or 24000", (8000, 16_000, 24_000).__contains__),
    "public_url": ("an origin, such as https://voice.example.in", lambda url: not url or _is_origin(url)),
}
"""What is expected of some keys beyond their type; ``TurnOptions`` looks after its own."""


def _masked(value: Any, is_secret: bool = False) -> Any:
    """A value as it may be printed: options classes become dicts, secrets the mask."""
    if is_dataclass(value):
        return {key_of(f.name): _masked(getattr(value, f.name), not f.repr) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: _masked(item, isinstance(item, Secret) or is_secret_name(key)) for key, item in value.items()}
    if is_secret and value:
        return MASK
    return re.sub(r"//[^/@]*@", f"//{MASK}@", value) if isinstance(value, str) else value


def _toml(table: Mapping[str, Any], name: str) -> Iterator[str]:
    """Lines of a table and of the tables in it."""
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    if len(tables) < len(table):
        yield f"\n[{name}]"
    for key, value in table.items():
        if key not in tables:
            yield f"{_bare(key)} = {_quoted(value)}"
    for key, value in tables.items():
        yield from _toml(value, f"{name}.{_bare(key)}" if name else _bare(key))


def _bare(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _quoted(value: object) -> str:
    """JSON, which is TOML but for one character."""
    return json.dumps(value, ensure_ascii=False, default=str).replace("\x7f", "\\u007f")
