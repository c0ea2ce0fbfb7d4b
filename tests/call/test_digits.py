import asyncio
from typing import Any

import pytest

from mediasrv.call.digits import Digits
from tests.virtual import run_virtually


async def collect(
    keys: list[tuple[float, str]], max_digits: int, timeout_s: float = 5.0, *, prompt_s: float = 0.0, **more: Any
) -> tuple[str, float]:
    digits = Digits()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for at_s, key in keys:
        loop.call_later(at_s, digits.press, key)
    prompt = asyncio.sleep(prompt_s) if prompt_s else None
    got = await digits.collect(max_digits, timeout_s, "#", prompt=prompt, **more)
    return got, loop.time() - begun


def test_as_many_digits_as_were_asked_for() -> None:
    assert run_virtually(collect([(1, "4"), (2, "2"), (3, "7")], 2)) == ("42", 2)


def test_the_terminator_ends_the_digits_and_is_none_of_them() -> None:
    assert run_virtually(collect([(1, "4"), (2, "#"), (3, "7")], 5)) == ("4", 2)


def test_a_pause_ends_the_digits() -> None:
    assert run_virtually(collect([(1, "4"), (2, "2"), (9, "7")], 5)) == ("42", 7)


def test_no_key_at_all_gives_nothing() -> None:
    assert run_virtually(collect([], 5, timeout_s=3)) == ("", 3)


def test_a_key_that_nobody_collects_is_left_to_others() -> None:
    async def press() -> tuple[bool, bool, bool]:
        digits = Digits()
        before = digits.press("1")
        collecting = asyncio.create_task(digits.collect(1, 5, "#"))
        await asyncio.sleep(0)
        during = digits.press("2")
        assert await collecting == "2"
        return before, during, digits.press("3")

    assert run_virtually(press()) == (False, True, False)


def test_the_first_key_may_take_longer_than_the_next() -> None:
    assert run_virtually(collect([(7, "4")], 5, timeout_s=2, first_timeout_s=8)) == ("4", 9)
    assert run_virtually(collect([], 5, timeout_s=2, first_timeout_s=8)) == ("", 8)


def test_the_first_key_is_waited_for_from_the_end_of_the_prompt() -> None:
    assert run_virtually(collect([(7, "4")], 1, timeout_s=3, prompt_s=6)) == ("4", 7)
    assert run_virtually(collect([], 1, timeout_s=3, prompt_s=6)) == ("", 9)


def test_a_key_ends_the_prompt_and_is_the_first() -> None:
    assert run_virtually(collect([(1, "4"), (2, "2")], 2, prompt_s=6)) == ("42", 2)


def test_a_prompt_that_no_key_interrupts_is_said_to_its_end() -> None:
    assert run_virtually(collect([(1, "4"), (2, "2")], 2, prompt_s=6, interrupts=False)) == ("42", 6)


def test_what_is_being_said_is_silenced_before_the_prompt_is_given_up() -> None:
    async def press() -> list[str]:
        happened: list[str] = []

        async def prompt() -> None:
            try:
                await asyncio.sleep(9)
            finally:
                happened.append("over")

        digits = Digits(lambda: happened.append("silent"))
        for digit in "12":
            asyncio.get_running_loop().call_later(1, digits.press, digit)
        assert await digits.collect(2, 5, "#", prompt=prompt()) == "12"
        return happened

    assert run_virtually(press()) == ["silent", "over"]


def test_a_prompt_that_fails_says_so_and_who_gives_up_collecting_stops_it() -> None:
    async def fail() -> None:
        raise ValueError("no voice")

    async def collecting() -> None:
        digits = Digits()
        with pytest.raises(ValueError, match="no voice"):
            await digits.collect(1, 5, "#", prompt=fail())
        assert not digits.press("1")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await digits.collect(1, 5, "#", prompt=asyncio.sleep(9))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(collecting())
