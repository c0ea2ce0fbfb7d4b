import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator

from mediasrv.providers.tape import Tape
from tests.virtual import run_virtually


async def counting(limit: int, delay_s: float = 0.1) -> AsyncGenerator[int]:
    for number in range(limit):
        await asyncio.sleep(delay_s)
        yield number


async def read(tape: Tape[int], start: int = 0) -> list[int]:
    return [item async for item in tape.read(start)]


def test_every_reader_reads_everything() -> None:
    async def both() -> list[list[int]]:
        tape = Tape(counting(5))
        return list(await asyncio.gather(read(tape), read(tape)))

    assert run_virtually(both()) == [[0, 1, 2, 3, 4]] * 2


def test_a_late_reader_may_begin_further_on() -> None:
    async def late() -> list[int]:
        tape = Tape(counting(5))
        await read(tape)
        return await read(tape, 3)

    assert run_virtually(late()) == [3, 4]


def test_a_cancelled_reader_does_not_disturb_the_source() -> None:
    async def cancel() -> list[int]:
        tape = Tape(counting(5))
        reader = asyncio.create_task(read(tape))
        await asyncio.sleep(0.15)
        reader.cancel()
        await asyncio.wait([reader])
        return await read(tape)

    assert run_virtually(cancel()) == [0, 1, 2, 3, 4]


def test_what_the_source_raises_is_kept_and_ends_the_tape() -> None:
    async def failing() -> AsyncGenerator[int]:
        yield 1
        raise ValueError("worn out")

    async def both() -> tuple[list[list[int]], Exception | None]:
        tape = Tape(failing())
        return list(await asyncio.gather(read(tape), read(tape))), tape.error

    items, error = run_virtually(both())
    assert items == [[1], [1]]
    assert isinstance(error, ValueError)


def test_the_source_is_asked_for_no_more_than_is_read() -> None:
    made: list[int] = []

    async def noting() -> AsyncGenerator[int]:
        for number in range(5):
            made.append(number)
            yield number

    async def act() -> list[list[int]]:
        seen: list[list[int]] = []
        tape = Tape(noting())
        assert await tape.begins()
        async for _ in tape.read():
            await asyncio.sleep(1)
            assert not tape.is_pulling
            seen.append([*made])
        return seen

    assert run_virtually(act()) == [[*range(count)] for count in range(1, 6)]


def test_a_reader_waits_for_the_source_until_it_is_cancelled() -> None:
    async def act() -> list[bool]:
        tape = Tape(counting(5, 1.0))
        readers = [asyncio.create_task(read(tape)) for _ in range(2)]
        seen = [tape.is_pulling]
        await asyncio.sleep(0.5)
        for reader in readers:
            seen.append(tape.is_pulling)
            reader.cancel()
            await asyncio.wait([reader])
        seen.append(tape.is_pulling)
        await asyncio.sleep(5)
        assert tape.recorded == [0]
        await tape.aclose()
        return seen

    assert run_virtually(act()) == [False, True, True, False]


def test_closing_the_tape_closes_the_source_and_ends_its_readers() -> None:
    closed: list[bool] = []

    async def endless() -> AsyncGenerator[int]:
        try:
            while True:
                await asyncio.sleep(1)
                yield 0
        finally:
            closed.append(True)

    async def close() -> list[int]:
        tape = Tape(endless())
        reader = asyncio.create_task(read(tape))
        await asyncio.sleep(2.5)
        await tape.aclose()
        assert await reader == [0, 0]
        return await read(tape, 2)

    assert run_virtually(close()) == []
    assert closed == [True]


def test_a_tape_that_is_closed_is_held_by_nobody() -> None:
    async def close() -> weakref.ref[Tape[int]]:
        tape = Tape(counting(5))
        reader = asyncio.create_task(read(tape))
        await asyncio.sleep(0.15)
        reader.cancel()
        await asyncio.wait([reader])
        await tape.aclose()
        return weakref.ref(tape)

    gc.disable()
    try:
        assert run_virtually(close())() is None
    finally:
        gc.enable()
