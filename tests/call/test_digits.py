import asyncio

from mediasrv.call.digits import Digits
from tests.virtual import run_virtually


async def collect(keys: list[tuple[float, str]], max_digits: int, timeout_s: float = 5.0) -> tuple[str, float]:
    digits = Digits()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for at_s, key in keys:
        loop.call_later(at_s, digits.press, key)
    got = await digits.collect(max_digits, timeout_s, "#")
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
