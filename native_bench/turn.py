"""How soon does the bot answer, and how rarely does it talk over its caller?

Simulated callers speak recorded human speech to a server in a process of its own: sentences as they are and with
pauses, on quiet and on noisy lines, and over its replies what ought to stop it and what ought not. All is judged at the
callers' ears, to the sample. The figures belong together: each is easy at the others' cost.
"""

from __future__ import annotations

import sys

from native_bench.turntaking.command import Case, run

TURN = Case(
    "turn",
    "How soon does the bot answer, and how rarely does it talk over its caller?",
    lambda planner, per_class, simultaneous: planner.calls(per_class, simultaneous),
)


def main() -> int:
    """Measure and print."""
    return run(TURN)


if __name__ == "__main__":
    sys.exit(main())
