"""How soon is the bot silent when its caller breaks in, and does it click?"""

from __future__ import annotations

import sys

from native_bench.turntaking.command import Case, run

BARGE_IN = Case(
    "bargein",
    "How soon is the bot silent when its caller breaks in, and does it click?",
    lambda planner, per_class, simultaneous: planner.barge_ins(per_class, simultaneous),
)


def main() -> int:
    """Measure and print."""
    return run(BARGE_IN)


if __name__ == "__main__":
    sys.exit(main())
