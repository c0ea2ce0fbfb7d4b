"""``mediasrv install-service``: puts the systemd units in place for this installation and this configuration.

The units are those of ``systemd/``, unchanged; what is of this machine stands in drop-ins beside them, so that a newer
version replaces the units and leaves the rest alone.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mediasrv.commands.base import FAILED, add_command
from mediasrv.errors import ConfigError, MediasrvError

UNITS = "etc/systemd/system"
PLACES = {
    "mediasrv.service": f"{UNITS}/mediasrv.service",
    "mediasrv@.service": f"{UNITS}/mediasrv@.service",
    "mediasrv.socket": f"{UNITS}/mediasrv.socket",
    "mediasrv.sysusers.conf": "etc/sysusers.d/mediasrv.conf",
    "mediasrv.tmpfiles.conf": "etc/tmpfiles.d/mediasrv.conf",
}
"""Where each file goes."""
STEPS = (
    ("systemd-sysusers", "mediasrv.conf"),
    ("systemd-tmpfiles", "--create", "mediasrv.conf"),
    ("systemctl", "daemon-reload"),
    ("systemctl", "enable", "--now", "mediasrv.socket", "mediasrv.service"),
)
"""What makes systemd see them."""
HIDDEN = ("/home/", "/root/", "/run/user/")
"""What ``ProtectHome`` keeps from the service."""
CREDENTIALS = "/etc/mediasrv/credentials"


class InstallError(MediasrvError):
    """The units cannot be put in place; the text says what to do."""


def add(commands: Any) -> None:
    """Teach the parser."""
    install = add_command(
        commands, "install-service", _install, "write and enable the systemd units", log_level="warning"
    )
    install.add_argument(
        "--config", type=Path, metavar="FILE", default=Path("/etc/mediasrv/mediasrv.toml"), help="default: %(default)s"
    )
    install.add_argument("--workers", metavar="N", default="auto", help="worker processes (default: one a core)")
    install.add_argument(
        "--root", type=Path, metavar="FOLDER", default=Path("/"), help="write below it, and enable nothing"
    )
    install.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def _install(flags: argparse.Namespace) -> int:
    files = files_for(flags.config.resolve(), flags.workers)
    is_here = flags.root == Path("/")
    if not flags.dry_run:
        write(files, flags.root)
    for path, text in files.items():
        print(f"{'would write' if flags.dry_run else 'wrote'} {flags.root / path}")
        if flags.dry_run:
            print("".join(f"    {line}\n" for line in text.splitlines() if line), end="")
    for step in STEPS if is_here else ():
        print(f"{'would run' if flags.dry_run else 'run'} {' '.join(step)}", flush=True)
        if not flags.dry_run and not _ran(step):
            return FAILED
    return 0


def files_for(config: Path, workers: str) -> dict[str, str]:
    """Texts by path, without the leading slash; raise ``ConfigError`` for a configuration that cannot be read."""
    folder, program = _folder(), shutil.which("mediasrv", path=str(Path(sys.executable).parent))
    program = program or f"{sys.executable} -m mediasrv"
    for each in (program, str(config)):
        if each.startswith(HIDDEN):
            raise ConfigError(f"{each}: the service sees no home folders; put it elsewhere, such as under /opt or /etc")
    settings = _read(config)
    files = {place: (folder / name).read_text(encoding="utf-8") for name, place in PLACES.items()}
    credentials = "".join(f"LoadCredential={name}:{CREDENTIALS}/{name}\n" for name in sorted(set(_sealed(settings))))
    for unit, count in (("mediasrv.service", f" --workers {workers}"), ("mediasrv@.service", "")):
        files[f"{UNITS}/{unit}.d/local.conf"] = (
            f"# Written by mediasrv install-service.\n[Service]\nExecStart=\n"
            f"ExecStart={program} serve{count} --config {config}\nWorkingDirectory={config.parent}\n{credentials}"
        )
    server = settings.get("server", {})
    address = f"{_bracketed(server.get('host', '127.0.0.1'))}:{server.get('port', 8080)}"
    files[f"{UNITS}/mediasrv.socket.d/local.conf"] = (
        f"# Written by mediasrv install-service.\n[Socket]\nListenStream=\nListenStream={address}\n"
    )
    return files


def write(files: Mapping[str, str], root: Path) -> None:
    """Write files below a root; raise ``InstallError``."""
    for path, text in files.items():
        place = root / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InstallError(f"cannot write {place}: {error.strerror}; run it as root, or with --root") from None


def _folder() -> Path:
    """The units: in an installed package inside it, in a checkout beside it."""
    package = Path(__file__).parent.parent
    return next(each for each in (package / "systemd", package.parent / "systemd") if each.is_dir())


def _read(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{config}: cannot read the configuration: {error.strerror}; name it with --config") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{config}: not TOML: {error}") from None


def _sealed(table: Mapping[str, Any]) -> Iterator[str]:
    """Names of the credentials that a configuration asks for: secrets in files that are named without a folder."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _sealed(value)
        elif key.endswith("_file") and isinstance(value, str) and re.fullmatch(r"[\w.@-]+", value):
            yield value


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _ran(step: tuple[str, ...]) -> bool:
    """Run a command; whether it could be run and said yes."""
    try:
        return subprocess.run(step, check=False).returncode == 0
    except OSError as error:
        raise InstallError(f"{step[0]}: {error.strerror}; the units are written, but this is no systemd") from None
