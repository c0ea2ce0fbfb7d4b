"""How do we fare beside others, on the same calls?

The same simulated callers say the same recorded sentences to our server and to a peer's, in turn, each in a process of
its own on a core of its own, with its own adapters for Deepgram, OpenAI and ElevenLabs, which reach the same stand-ins
with the same delays. A pair is ours and theirs, one behind the other, on one draw of calls; each has a call before, by
which everything is loaded that is loaded once. Figures are told as ratios of pairs, with their spread.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mediasrv.audio.warmup import warm
from mediasrv.errors import ConfigError, MediasrvError
from mediasrv.simulator.table import columns
from native_bench import noises
from native_bench.keeping import append, conduct, require_descriptors
from native_bench.load.verdict import plain
from native_bench.machine import described, facts
from native_bench.peers.bout import Plans, fight
from native_bench.peers.contenders import RECIPES, Contender, Ours, Peer
from native_bench.peers.ratios import Pair, compared
from native_bench.processes import Placement, placement
from native_bench.turntaking import material
from native_bench.turntaking.command import DESCRIPTORS, SLIP_LIMIT_MS
from native_bench.turntaking.plan import CYCLES, Over, Planner

_HEAD = ("figure", "mediasrv", "{peer}", "ratio", "of pairs")
_SHOWN = 3


def main() -> int:
    """Compare, print, keep; 0 when all pairs were made and nobody's calls failed."""
    flags = _grammar().parse_args()
    peer = Peer(flags.peer, flags.environment)
    if flags.install:
        return peer.install()
    warm()
    return conduct("compare", _compare(flags, peer))


def _grammar() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m native_bench compare", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--peer", choices=sorted(RECIPES), required=True)
    parser.add_argument("--install", action="store_true", help="make the peer's environment, and nothing else")
    parser.add_argument("--environment", type=Path, metavar="DIR", help="where that is (default: .venv-PEER)")
    parser.add_argument("--calls", default="1,4,8,12", metavar="N,…", help="simultaneous calls (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=3, help="of runs, for each number of calls (default: %(default)s)")
    parser.add_argument("--material", choices=material.PARTS, default="report", help="which half of the recordings")
    parser.add_argument("--sounds", type=Path, default=material.SOUNDS, metavar="DIR", help="Asterisk's prompts")
    parser.add_argument("--seed", type=int, default=1, help="of the first pair; the next has the next")
    parser.add_argument("--slip", type=float, default=SLIP_LIMIT_MS, metavar="MS", help="p99 of the callers' own slip")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the figures, a line for each run and number")
    return parser


async def _compare(flags: argparse.Namespace, peer: Peer) -> int:
    append(flags.json, [])
    levels = _numbers(flags.calls)
    require_descriptors(max(levels), DESCRIPTORS)
    versions = peer.versions()
    spoken, cores = material.load(flags.material, flags.sounds), placement()
    print(f"{described()}\n{cores}\n{peer.name}: {', '.join(f'{name} {it}' for name, it in versions.items())}")
    for note in spoken.notes:
        print(f"note: {note}")
    ring = Ring(flags, peer, versions, spoken, cores)
    codes = [await ring.level(calls) for calls in levels]
    return max(codes)


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(each) for each in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise ConfigError(f"--calls takes numbers of calls such as 1,8, got {text!r}")
    return numbers


class Ring:
    """Runs pairs and tells of them."""

    def __init__(
        self,
        flags: argparse.Namespace,
        peer: Peer,
        versions: Mapping[str, str],
        spoken: material.Material,
        cores: Placement,
    ) -> None:
        self._flags, self._peer, self._spoken, self._cores = flags, peer, spoken, cores
        self._head = {"case": "compare", "peer": peer.name, "peer_versions": versions, "cores_used": str(cores)}
        self._ours = Ours()

    async def level(self, calls: int) -> int:
        """All pairs of a number of calls; 0 when they say what they should."""
        pairs: list[Pair] = []
        flaws: list[str] = []
        for number in range(self._flags.pairs):
            plans = self._plans(calls, self._flags.seed + number)
            runs = [await self._run(each, plans, calls, number, flaws) for each in (self._ours, self._peer)]
            if runs[0] is not None and runs[1] is not None:
                pairs.append((runs[0], runs[1]))
        found = compared(pairs)
        head = tuple(each.format(peer=self._peer.name) for each in _HEAD)
        print(f"\n{calls} calls at a time, {len(pairs)} pairs")
        print("\n".join(columns([head, *(each.row() for each in found)])) if found else "no pair was made")
        for flaw in flaws:
            print(f"    {flaw}")
        sys.stdout.flush()
        self._keep({"calls": calls, "pairs": len(pairs), "compared": {it.measure.key: it.figures() for it in found}})
        return 1 if flaws or not pairs else 0

    def _plans(self, calls: int, seed: int) -> Plans:
        """What the callers of a pair do: sentences, and barge-ins and backchannels over their answers."""
        warming, measured = (Planner(self._spoken, noises.HOLD_MUSIC, each) for each in (-seed % 2**31, seed))
        for planner in (warming, measured):
            planner.overs = [over for over in planner.overs if over in (Over.BARGE_IN, Over.BACKCHANNEL)]
        per_class = -(-CYCLES * calls // len(measured.overs))
        return Plans(warming.calls(1, 1)[:1], measured.calls(per_class, calls)[:calls])

    async def _run(
        self, contender: Contender, plans: Plans, calls: int, number: int, flaws: list[str]
    ) -> dict[str, Any] | None:
        """One run, kept; ``None`` when it says nothing about the server."""
        who = f"{contender.name}, pair {number + 1}"
        head = {"contender": contender.name, "pair": number + 1, "seed": self._flags.seed + number, "calls": calls}
        try:
            figures = await fight(contender, plans, self._spoken, self._cores)
        except MediasrvError as error:
            flaws.append(f"{who}, broken off: {error}")
            self._keep(head | {"failure": str(error)})
            return None
        told = [*figures["failures"], *(f"a stand-in complained: {each}" for each in figures["complaints"])]
        flaws += [f"{who}: {each}" for each in told[:_SHOWN]]
        slip_ms = figures["slip_ms"]["p99"] if figures["slip_ms"] else 0.0
        is_late = slip_ms > self._flags.slip
        self._keep(head | figures | {"bottleneck": "the callers were late" if is_late else ""})
        if is_late:
            flaws.append(
                f"{who}, not compared: the callers themselves were late, p99 {slip_ms:.0f} ms; free the machine"
            )
            return None
        return figures

    def _keep(self, figures: dict[str, Any]) -> None:
        append(self._flags.json, [self._head | facts() | plain(figures)])


if __name__ == "__main__":
    sys.exit(main())
