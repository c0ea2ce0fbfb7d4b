"""One page of what cases kept: ``python -m native_bench report FILE... --out report.html``.

The page needs nothing but itself. Each file holds lines of JSON, of any cases and runs in any order; a line that cannot
be read is counted and left out, and what has no pictures of its own is shown as it is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import orjson

from mediasrv.errors import ConfigError
from native_bench.pages import RENDERERS, details, table

Row = Mapping[str, Any]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>mediasrv, measured</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 1320px; margin: 2em auto; padding: 0 1em; color: #222 }}
table {{ border-collapse: collapse; font-size: 13px; margin: 1em 0 }}
td, th {{ padding: .25em .7em; border-bottom: 1px solid #ddd; text-align: right }}
td:first-child, th:first-child {{ text-align: left }}
.bad {{ color: #c0392b }} .plots {{ display: flex; flex-wrap: wrap; gap: 1em }} .plots svg {{ height: auto }}
pre {{ background: #f6f6f6; padding: 1em; overflow: auto; font-size: 12px }} h2 {{ margin-top: 2.5em }}
</style></head><body><h1>mediasrv, measured</h1>
{notes}{body}
</body></html>
"""
_FACTS = ("machine", "governor", "kernel", "load", "cores_used", "time")


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="python -m native_bench report", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="lines of JSON, from --json of a case")
    parser.add_argument("--out", type=Path, default=Path("report.html"), metavar="FILE", help="(default: %(default)s)")
    flags = parser.parse_args()
    try:
        rows, broken = read(flags.files)
        if not rows:
            raise ConfigError("there is nothing to report: no line holds a case; run one with --json FILE")
        text = page(rows, broken)
        write(flags.out, text)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 78
    print(f"look at {flags.out}")
    return 0


def read(paths: Iterable[Path]) -> tuple[list[Row], int]:
    """All lines that hold a case, and how many lines do not; raise ``ConfigError`` for a file that cannot be read."""
    rows: list[Row] = []
    broken = 0
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror or error}") from error
        for line in filter(None, map(bytes.strip, data.splitlines())):
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                row = None
            if isinstance(row, dict) and isinstance(row.get("case"), str):
                rows.append(row)
            else:
                broken += 1
    return rows, broken


def write(path: Path, text: str) -> None:
    """Raise ``ConfigError`` when it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}; name another with --out") from error


def page(rows: Sequence[Row], broken: int = 0) -> str:
    """The whole page."""
    cases = dict.fromkeys(row["case"] for row in rows)
    notes = f'<p class="bad">{broken} lines could not be read.</p>' if broken else ""
    parts = [_case(case, [row for row in rows if row["case"] == case]) for case in cases]
    return _PAGE.format(notes=notes, body="\n".join(parts))


def _case(case: str, rows: Sequence[Row]) -> str:
    """Runs of one case, each on one machine and commit."""
    machines = dict.fromkeys(str(row.get("machine", "")) for row in rows)
    parts = [f"<h2>{escape(case)}</h2>"]
    for machine in machines:
        runs = [row for row in rows if str(row.get("machine", "")) == machine]
        parts.append(_facts(runs[0]))
        parts += [f'<p class="bad">broken off: {escape(str(row["failure"]))}</p>' for row in runs if row.get("failure")]
        try:
            parts.append(RENDERERS.get(case, details)(runs))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            # Lines of another version of the case, or edited ones: shown as they are.
            parts.append(details(runs))
    return "\n".join(parts)


def _facts(row: Row) -> str:
    found = {name: row[name] for name in _FACTS if name in row}
    versions = row.get("versions")
    if isinstance(versions, dict):
        found["versions"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    return table(("what this holds for", ""), [(name, str(value)) for name, value in found.items()])


if __name__ == "__main__":
    sys.exit(main())
