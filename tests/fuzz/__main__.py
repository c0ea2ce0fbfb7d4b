"""``python -m tests.fuzz NAME --minutes 10``: a target under Atheris, guided by coverage, from the corpus that is kept.

What reaches anything new goes to ``--found``, a folder of its own; what is worth it is put into the corpus by hand. A
crash leaves its input in that folder too, and makes the exit code other than 0.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
PACKAGE = Path(__file__).parents[2] / "mediasrv"
LONGEST_BYTES = 4096
HANGS_S = 60
"""An input that takes longer is a fault; a machine that others use stands still for seconds."""


def compiled_modules() -> list[str]:
    """Those with kernels: what was instrumented cannot be compiled any more."""
    paths = [path for path in PACKAGE.rglob("*.py") if "@kernel" in path.read_text()]
    return [".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts)) for path in paths]


def main() -> int:
    """Fuzz until the time is over or something breaks."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", help="the target, or 'list'")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--found", type=Path, help="folder for new inputs and crashes")
    flags = parser.parse_args()
    try:
        atheris = import_module("atheris")
    except ImportError:
        print("Atheris is not installed here: pip install atheris, in an environment of its own", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["mediasrv"], exclude=compiled_modules()):
        targets = import_module("tests.fuzz.targets").TARGETS
    if flags.name not in targets:
        print(*targets, sep="\n")
        return 0 if flags.name == "list" else 2
    corpus = CORPUS / flags.name
    corpus.mkdir(exist_ok=True)
    found = flags.found or Path(tempfile.mkdtemp(prefix=f"fuzz-{flags.name}-"))
    found.mkdir(exist_ok=True)
    limits = [f"-max_len={LONGEST_BYTES}", f"-timeout={HANGS_S}", "-rss_limit_mb=2048"]
    options = [
        f"-max_total_time={round(flags.minutes * 60)}",
        "-print_final_stats=1",
        f"-artifact_prefix={found}/",
        *limits,
        str(found),
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *options], targets[flags.name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
