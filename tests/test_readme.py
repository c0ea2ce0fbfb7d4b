"""The README says what is true: its settings are those of the code, its commands exist, its files are there.

``python -m tests.test_readme`` writes the settings anew.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from mediasrv.call.options import AgentOptions, CalleeOptions, FallbackOptions
from mediasrv.carriers.options import ExotelOptions, PlivoOptions, TelnyxOptions, TwilioOptions
from mediasrv.cli import grammar
from mediasrv.fleet.options import FleetOptions
from mediasrv.outbound.options import ComplianceOptions, OutboundOptions
from mediasrv.records.options import RecordingOptions, RecordsOptions
from mediasrv.replay.options import CaptureOptions
from mediasrv.server.options import ApiOptions, OtelOptions, ServerOptions
from mediasrv.turn.options import TurnOptions

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"
SECTIONS: dict[str, type] = {
    "server": ServerOptions,
    "api": ApiOptions,
    "plivo": PlivoOptions,
    "twilio": TwilioOptions,
    "exotel": ExotelOptions,
    "telnyx": TelnyxOptions,
    "recording": RecordingOptions,
    "record": CaptureOptions,
    "fleet": FleetOptions,
    "otel": OtelOptions,
    "records": RecordsOptions,
    "outbound": OutboundOptions,
    "compliance": ComplianceOptions,
    "agents.NAME": AgentOptions,
    "agents.NAME.turn": TurnOptions,
    "agents.NAME.fallback": FallbackOptions,
    "agents.NAME.callee": CalleeOptions,
}


def meanings(options: type) -> dict[str, str]:
    """The line of documentation under each field."""
    body = ast.parse(textwrap.dedent(inspect.getsource(options))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, line in zip(body.body, body.body[1:], strict=False):
        match field, line:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(meaning))):
                found[name] = meaning.replace("``", "`")
    return found


def default_of(field: Field[Any]) -> str:
    value = field.default if field.default_factory is MISSING else field.default_factory()
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        inside = ", ".join(f'{key} = "{each}"' for key, each in value.items())
        return f"`{{ {inside} }}`" if inside else ""
    if isinstance(value, tuple):
        inside = ", ".join(f'"{each}"' for each in value)
        return f"`[{inside}]`"
    if isinstance(value, str):
        return f'`"{value}"`' if value else ""
    return f"`{value}`" if isinstance(value, int | float) else "below"


def title_of(section: str, options: type) -> str:
    """What is read where the section is folded: its name, and what its first line says it is about."""
    first = (options.__doc__ or "").splitlines()[0]
    about = re.fullmatch(r"Keys of ``\[[\w.]+\]``([:,] .+)\.", first)
    assert about, first
    return f"<code>[{section}]</code>{about[1]}".replace("``", "")


def settings() -> str:
    """The settings as the README has them."""
    parts: list[str] = []
    for section, options in SECTIONS.items():
        lines = meanings(options)
        rows = [f"| `{f.name.rstrip('_')}` | {default_of(f)} | {lines[f.name]} |" for f in fields(options)]
        table = "\n".join(["| key | default | |", "|---|---|---|", *rows])
        parts.append(f"<details><summary>{title_of(section, options)}</summary>\n\n{table}\n\n</details>\n")
    return "\n".join(parts)


def parts_of_readme() -> tuple[str, str, str]:
    before, begin, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    table, end, after = rest.partition(END)
    return before + begin, table, end + after


def test_the_settings_are_those_of_the_code() -> None:
    assert parts_of_readme()[1] == settings(), "run: python -m tests.test_readme"


def test_every_command_is_named_and_no_other() -> None:
    text = README.read_text(encoding="utf-8")
    named = set(re.findall(r"`mediasrv ([a-z-]+)", text))
    actions = [action for action in grammar()._actions if action.choices]
    assert named == set(actions[0].choices or ())


def test_the_files_it_points_to_are_there() -> None:
    text = README.read_text(encoding="utf-8")
    paths = re.findall(r"`((?:mediasrv|tests|native_bench|systemd)/[\w./-]*)`", text)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_targets_of_make_are_there() -> None:
    text = README.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make ([a-z-]+)`", text)) | {"demo", "test"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_each_link_within_it_leads_to_a_section() -> None:
    text = README.read_text(encoding="utf-8")
    titles = re.findall(r"^#{2,3} (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    links = set(re.findall(r"\]\(#([\w-]+)\)", text))
    assert len(links) > 20
    assert links - anchors == set()


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", README.read_text(encoding="utf-8"))
    assert len(named) > 20
    missing = [
        f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []


if __name__ == "__main__":
    first, _, last = parts_of_readme()
    README.write_text(first + settings() + last, encoding="utf-8")
