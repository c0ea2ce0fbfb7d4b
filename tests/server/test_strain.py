"""Those who keep workers waiting: silent ones, slow ones, and a thousand who never say what they want."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mediasrv.server import door
from mediasrv.server.media import STREAM_LIMITS
from tests.patience import WAIT_S, until
from tests.server.crew import House, house
from tests.server.stage import FRAME, Phone


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
async def there(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, is_sealed=request.param) as opened:
        yield opened


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def fall_silent(phone: Phone) -> None:
    """Read nothing any more, which answers no ping either."""
    phone.ears.websocket._transport.pause_reading()


async def test_a_half_open_connection_is_noticed_and_costs_nobody_else_anything(
    there: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = [await there.phone(worker, f"lasting-{worker}") for worker in range(2)]
    # Those who are there already are in no hurry.
    monkeypatch.setattr(door, "STREAM_LIMITS", replace(STREAM_LIMITS, ping_s=0.3))
    for worker in range(2):
        fall_silent(await there.phone(worker, f"silent-{worker}"))
    await until(lambda: there.live() == [1, 1])
    for phone in lasting:
        await phone.echo()
        assert phone.ears.websocket.is_open


async def test_who_reads_nothing_is_cut_off_and_costs_nobody_else_anything(
    there: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = await there.phone(0, "lasting")
    limits = replace(STREAM_LIMITS, stall_s=0.3, buffer_bytes=64 * 1024, frames_per_s=0.0)
    monkeypatch.setattr(door, "STREAM_LIMITS", limits)
    greedy = await there.phone(0, "greedy")
    fall_silent(greedy)

    async with asyncio.timeout(WAIT_S):
        while there.live() != [1, 0]:
            greedy.speak(FRAME * 100)
            await asyncio.sleep(0.005)
    await lasting.echo()


@pytest.mark.usefixtures("many_descriptors")
async def test_a_thousand_who_never_say_what_they_want_keep_nobody_out(
    there: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediasrv.server.worker.HANDSHAKE_WITHIN_S", 1.0)
    lasting = await there.phone(1, "lasting")
    strangers = []
    for number in range(1000):
        there.prefer(number % 2)
        _, writer = await asyncio.open_connection("127.0.0.1", there.port)
        strangers.append(writer)
        # Half of them begin: with a handshake, or with a request.
        if number % 2:
            writer.write(b"\x16\x03\x01\x02\x00\x01" if there.trusting else b"GET /plivo/str")
    assert await there.post() == (200, "ok\n")
    await lasting.echo()
    await (await there.phone(0, "new")).echo()
    for writer in strangers:
        writer.close()
    await until(lambda: not there.lobby._visitors)
    await until(lambda: not any(worker._crowd.waiting for worker in there.workers))
