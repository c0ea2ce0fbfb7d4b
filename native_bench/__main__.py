"""``python -m native_bench CASE`` asks one question and prints the answer; without a case, all of them in turn."""

from __future__ import annotations

import sys
from importlib import import_module

CASES = {
    "kernels": "what does each kernel cost a frame?",
    "inbound": "what does a frame of the caller cost, from the message to the recogniser?",
    "wire": "what does a message cost, there and back through the media door?",
    "vad": "how well is voice told from noise?",
    "loopback": "how much do we add to the caller's wait?",
    "turn": "how soon does the bot answer, and how rarely does it talk over its caller?",
    "bargein": "how soon is the bot silent when its caller breaks in, and does it click?",
    "capacity": "how many calls does one core carry, and what does a call-second cost?",
    "overload": "what becomes of calls in progress when twice as many callers arrive as the server carries?",
    "workers": "do two worker processes carry twice what one carries?",
    "soak": "does anything grow, in calls that last and from one call to the next?",
    "coldstart": "how soon is a server ready, and how soon does it greet?",
    "faults": "does the caller hear something, whatever breaks?",
    "hedge": "how much does a second request cut the tail?",
}


OTHERS = {
    "compare": "how do we fare beside Pipecat or LiveKit, on the same calls?",
    "check": "has a frame become dearer, by figures that do not depend on the machine's mood?",
    "report": "writes what cases kept with --json as one page: report FILE... --out report.html",
}
"""What is run by its name alone."""


def main() -> int:
    """Run what the command line names; what follows the name is the case's own."""
    name, *rest = sys.argv[1:] or ["all"]
    known = CASES | OTHERS
    if name not in known and name != "all":
        width = max(map(len, known))
        print("usage: python -m native_bench [CASE]", file=sys.stderr)
        print("\n".join(f"  {case:<{width}}  {question}" for case, question in known.items()), file=sys.stderr)
        return 2
    worst = 0
    for case in CASES if name == "all" else (name,):
        print(f"== {case}: {known[case]}", flush=True)
        sys.argv = [f"python -m native_bench {case}", *rest]
        worst = max(worst, import_module(f"native_bench.{case}").main() or 0)
    return worst


if __name__ == "__main__":
    sys.exit(main())
