from __future__ import annotations

import pytest

from mediasrv.errors import CarrierError
from mediasrv.server.keypad import press


class Keys:
    def __init__(self, *, works: bool = True) -> None:
        self.pressed: list[tuple[str, str]] = []
        self.works = works

    async def send_digits(self, call_id: str, digits: str) -> None:
        if not self.works:
            raise CarrierError("says that the call is over", carrier="telnyx")
        self.pressed.append((call_id, digits))


async def test_keys_are_pressed_in_the_call() -> None:
    keys = Keys()
    await press(keys, "c1", "12#")
    assert keys.pressed == [("c1", "12#")]


async def test_what_is_no_key_is_not_sent_and_not_repeated_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    keys = Keys()
    await press(keys, "c1", "4111x")
    assert keys.pressed == []
    assert "4111" not in caplog.text
    assert "only the keys" in caplog.text


async def test_a_carrier_that_fails_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    await press(Keys(works=False), "c1", "1")
    assert "keys were not pressed" in caplog.text
