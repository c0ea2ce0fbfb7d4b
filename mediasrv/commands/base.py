"""What the commands share: how one is added, how the configuration is read, how a coroutine is run.

A command's module is imported for ``--help``, so at its top it imports only what is light; the rest when it runs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mediasrv.errors import ConfigError
from mediasrv.journal import LEVELS

if TYPE_CHECKING:
    from mediasrv.call.agency import Agency
    from mediasrv.call.recording import Recorded
    from mediasrv.carriers.base import Control
    from mediasrv.config import Settings
    from mediasrv.outbound.outbound import Outbound
    from mediasrv.records.options import RecordingOptions
    from mediasrv.records.recordings import Recordings
    from mediasrv.records.records import Records
    from mediasrv.replay.file import Captures

FAILED = 1
MISCONFIGURED = 78

T = TypeVar("T")


def add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], meaning: str, *, log_level: str = "info"
) -> argparse.ArgumentParser:
    """Add a command that ``run`` obeys; it returns the exit code, and raises ``MediasrvError`` for what went wrong."""
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}."
    )
    command.add_argument("--log-level", choices=LEVELS, help=f"least important log lines (default: {log_level})")
    command.set_defaults(run=run, parser=command, usual_log_level=log_level)
    return command


def add_config(command: argparse.ArgumentParser) -> None:
    """Let the command take a configuration."""
    command.add_argument("--config", type=Path, metavar="FILE", help="TOML file; without one, an agent on local models")


def settings_of(flags: argparse.Namespace) -> Settings:
    """Read and check the whole configuration, the providers' own keys included; raise ``ConfigError``."""
    from mediasrv.config import check_numbers, check_providers, load

    overrides = {f"server.{name}": getattr(flags, name, None) for name in ("host", "port")}
    settings = load(flags.config, os.environ, overrides)
    check_providers(settings)
    check_numbers(settings)
    return settings


def records_of(settings: Settings) -> Records | None:
    """The records of calls, with those of calls that we make; ``None`` where none are kept."""
    from mediasrv.outbound.ledger import SCHEMA
    from mediasrv.records.records import Records

    return Records.configured(settings.records, settings.recording.path, settings.record.path, SCHEMA)


def recordings_of(
    options: RecordingOptions, finished: Callable[[Recorded], None] = lambda recording: None
) -> Recordings | None:
    """Who keeps recordings, where there is a key to seal them with; ``finished`` is told of each that is over."""
    if not options.key:
        return None
    try:
        from mediasrv.records.recordings import Recordings
        from mediasrv.records.sealed import read_key
    except ImportError:
        raise ConfigError(
            "recordings are sealed with the cryptography package: pip install 'mediasrv[crypto]'"
        ) from None
    return Recordings(options.path, read_key(options.key), finished)


def controls_of(settings: Settings) -> dict[str, Control]:
    """The REST APIs of the carriers whose accounts are configured, by the carrier's name; the caller closes them."""
    from mediasrv.carriers.exotel_rest import ExotelControl
    from mediasrv.carriers.plivo_rest import PlivoControl
    from mediasrv.carriers.telnyx_rest import TelnyxControl
    from mediasrv.carriers.twilio_rest import TwilioControl

    plivo, twilio, exotel, telnyx = settings.plivo, settings.twilio, settings.exotel, settings.telnyx
    controls: dict[str, Control] = {}
    if plivo.auth_id and plivo.auth_token:
        controls["plivo"] = PlivoControl(plivo)
    if twilio.account_sid and twilio.auth_token:
        controls["twilio"] = TwilioControl(twilio)
    if exotel.account_sid and exotel.api_key and exotel.api_token:
        controls["exotel"] = ExotelControl(exotel)
    if telnyx.api_key:
        controls["telnyx"] = TelnyxControl(telnyx)
    return controls


def outbound_of(
    settings: Settings, records: Records | None, counted: Callable[[str], None] = lambda rule: None
) -> Outbound | None:
    """Calling out; ``None`` where no number to call from is configured. Raise ``ConfigError`` where something lacks."""
    options = settings.outbound
    if not options.from_number and not options.promotional_from_number:
        return None
    from mediasrv.outbound.outbound import Outbound

    if records is None:
        raise ConfigError("calls out need records, or somebody might be called twice: set records.path")
    # One of its own: calls end to be placed before those that are up are over. It opens no connection by itself.
    control, url = controls_of(settings).get(options.carrier), settings.server.public_url
    if control is None:
        raise ConfigError(f"calls out need the account of outbound.carrier, {options.carrier!r}: its id and its secret")
    parts = (options, settings.compliance, control, url, records.database, records.suppressions, counted)
    return Outbound(*parts)


def captures_of(settings: Settings) -> Captures | None:
    """Who keeps captures of calls, where that is wanted; raise ``ConfigError`` where there is no key."""
    options = settings.record
    if not options.on:
        return None
    unknown = [name for name in options.agents if name not in settings.agents]
    if unknown:
        raise ConfigError(f"record.agents: there is no agent {unknown[0]!r}")
    key = options.key or settings.recording.key
    if not key:
        raise ConfigError("record.on needs record.key_env, or record.key_file, to seal captures with")
    try:
        from mediasrv.records.sealed import read_key
        from mediasrv.replay.file import Captures
    except ImportError:
        raise ConfigError("captures are sealed with the cryptography package: pip install 'mediasrv[crypto]'") from None
    return Captures(options.path, read_key(key), redact=options.redact, retain_days=options.retain_days)


def agency_of(settings: Settings, captures: Captures | None, **rest: Any) -> Agency:
    """The agents of a configuration, whose calls are captured where somebody keeps that."""
    rest["expected_format"] = settings.stream_format
    if captures is None:
        from mediasrv.call.agency import Agency

        return Agency(settings.agents, **rest)
    from mediasrv.replay.agency import CapturingAgency

    return CapturingAgency(settings.agents, captures, settings.record.agents, **rest)


def in_loop(work: Coroutine[Any, Any, T], *, captures: bool = False) -> T:
    """Run a coroutine in an event loop of its own, on which calls can be captured, and return what it does."""
    import uvloop

    if not captures:
        result: T = uvloop.run(work)
        return result
    import asyncio

    from mediasrv.replay.loops import capturing

    with asyncio.Runner(loop_factory=capturing(uvloop.Loop)) as runner:
        return runner.run(work)
