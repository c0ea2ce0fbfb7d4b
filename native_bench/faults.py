"""Does the caller hear something, whatever breaks?

For every provider in the cloud and every fault that its stand-in plays, a call: the fault strikes at the worst moment,
and a simulated caller judges by ear. The rule: something is heard within 3 s of the end of what the caller said, the
call goes on (the next question is answered) or ends with a goodbye, and no task, socket or file is left.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import uvloop

from mediasrv.audio.warmup import warm
from mediasrv.call.ear import rehearse
from mediasrv.simulator.pacing import Pacing
from native_bench.catalogue import CHAPTERS, all_ordeals
from native_bench.leftovers import attribute_tasks, open_files
from native_bench.machine import described
from native_bench.ordeal import Ordeal, undergo
from native_bench.verdict import Outcome

AT_A_TIME = 60
# From one call's beginning to the next one's: servers do not start in the same instant either.
_STAGGER_S = 0.1


async def undergo_all(wanted: Sequence[Ordeal]) -> tuple[list[Outcome], list[str]]:
    """Place all calls, many at a time; what became of each, and the file descriptors that are left in the end."""
    attribute_tasks()
    warm(rehearse)
    pacing, gate = Pacing(), asyncio.Semaphore(AT_A_TIME)
    before = Counter(open_files())

    async def place(index: int, ordeal: Ordeal) -> Outcome:
        async with gate:
            await asyncio.sleep(_STAGGER_S * (index if index < AT_A_TIME else 0))
            return await undergo(ordeal, pacing)

    placed = [asyncio.create_task(place(index, ordeal)) for index, ordeal in enumerate(wanted)]
    outcomes = await asyncio.gather(*placed)
    return outcomes, list((Counter(open_files()) - before).elements())


def tables(outcomes: Mapping[Ordeal, Outcome]) -> str:
    """Markdown: a table for each chapter, in bold what breaks the rule."""
    found = []
    for chapter in CHAPTERS:
        vendors = [each for each in chapter.vendors if any(Ordeal(each, of) in outcomes for of in chapter.misfortunes)]
        rows = [
            [of.label, *(_cell(outcomes.get(Ordeal(each, of))) for each in vendors)]
            for of in chapter.misfortunes
            if any(Ordeal(each, of) in outcomes for each in vendors)
        ]
        found.append((chapter.title, ["fault", *(each.provider for each in vendors)], rows))
    pairs = [(each, replace(each, has_second=False)) for each in outcomes if each.has_second]
    rows = [
        [f"{each.vendor.provider}: {each.misfortune.label}", _cell(outcomes.get(alone)), _cell(outcomes[each])]
        for each, alone in pairs
    ]
    found.append(("With a second provider, a sample", ["fault", "alone", "with a second provider"], rows))
    return "\n\n".join(f"{title}:\n\n{_table(head, rows)}" for title, head, rows in found if rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    return f"**{outcome.words}**" if outcome.breaches else outcome.words


def main() -> int:
    """Place the calls, print the tables; 1 when a caller would complain."""
    parser = argparse.ArgumentParser(
        prog="python -m native_bench.faults", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", default="", help="only vendors and faults in whose names this is")
    only = parser.parse_args().only
    logging.disable(logging.CRITICAL)
    wanted = [each for each in all_ordeals() if only in str(each)]
    outcomes, left = uvloop.run(undergo_all(wanted))
    print(f"{described()}\n\n{tables(dict(zip(wanted, outcomes, strict=True)))}\n")
    broken = [(each, outcome) for each, outcome in zip(wanted, outcomes, strict=True) if outcome.breaches]
    print(f"{len(wanted) - len(broken)} of {len(wanted)} calls kept the rule")
    for each, outcome in broken:
        print(f"{each}: {outcome.words}: {'; '.join(outcome.breaches)}")
    if left:
        print(f"file descriptors are left: {', '.join(left)}")
    return 1 if broken or left else 0


if __name__ == "__main__":
    sys.exit(main())
