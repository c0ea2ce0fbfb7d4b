"""How much hedging cuts the tail: first tokens of a model whose delays have a long tail, with and without it.

    python -m native_bench hedge

Both runs draw the same delays and ask one after the other, in virtual time; nothing depends on the machine.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mediasrv.call.options import FallbackOptions
from mediasrv.providers.base import Delta, Llm, Message, TextDelta, ToolSpec
from mediasrv.providers.crew import Crew, Patience
from mediasrv.providers.fallback import FallbackLlm
from native_bench.machine import described
from tests.virtual import run_virtually

MEDIAN_S = 0.5
P99_S = 5.0
REQUESTS = 20_000
SEEDS = (1, 2, 3)
# Of the standard normal distribution.
_Z99 = 2.3263


class LongTailed(Llm):
    """Says one word after a delay that is drawn for each request, log-normal."""

    name = "long-tailed"

    def __init__(self, seed: int) -> None:
        super().__init__(None)
        self._random = random.Random(seed)
        self.asked = 0

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        self.asked += 1
        spread = math.log(P99_S / MEDIAN_S) / _Z99
        await asyncio.sleep(MEDIAN_S * math.exp(self._random.gauss(0, spread)))
        yield TextDelta("Yes.")


async def first_tokens_s(patience: Patience, seed: int) -> tuple[NDArray[np.float64], int]:
    """Return the waits for the first token, and how many requests were made for them."""
    model = LongTailed(seed)
    crew = FallbackLlm(Crew[Llm]("llm", [model], patience))
    now = asyncio.get_running_loop().time
    waits = np.empty(REQUESTS)
    for index in range(REQUESTS):
        begun_s = now()
        async with aclosing(crew.reply([Message("user", "Hello.")])) as deltas:
            await anext(deltas)
        waits[index] = now() - begun_s
    return waits, model.asked


def main() -> None:
    """Print the table."""
    print(described(), end="\n\n")
    hedging = replace(FallbackOptions().patience("llm"), limit_ms=10**6)
    never = replace(hedging, first_min_ms=10**6, first_max_ms=10**6)
    print(f"First token of a model with a median of {MEDIAN_S} s and a p99 of {P99_S} s, {REQUESTS:,} replies a run\n")
    print("| seed | | p50 s | p90 s | p99 s | max s | requests | p99 ratio |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    for seed in SEEDS:
        plain_s = 0.0
        for label, patience in (("alone", never), ("hedged", hedging)):
            waits, asked = run_virtually(first_tokens_s(patience, seed), limit_s=10**9)
            p50, p90, p99, longest = np.percentile(waits, [50, 90, 99, 100])
            plain_s = plain_s or p99
            extra = 100 * (asked / REQUESTS - 1)
            figures = f"{p50:.2f} | {p90:.2f} | {p99:.2f} | {longest:.1f} | +{extra:.1f} % | {p99 / plain_s:.2f}"
            print(f"| {seed} | {label} | {figures} |")


if __name__ == "__main__":
    main()
