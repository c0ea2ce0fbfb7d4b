"""The console in a fleet: a call is watched, and its recording played, whichever server is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.link import CallDetails
from mediasrv.records.options import RecordsOptions
from mediasrv.records.recordings import Recordings
from mediasrv.records.records import Records
from mediasrv.server.api.clerk import Means
from mediasrv.server.board import Board
from mediasrv.server.console import desk
from mediasrv.server.console.gallery import Gallery
from tests.fleet.conftest import RedisServer, redis
from tests.patience import until
from tests.records.stage import converse
from tests.server.api.stage import TOKEN
from tests.server.console.stage import KEY, Watching
from tests.server.test_fleetgate import Fleet, fleet, in_haste

__all__ = ["in_haste", "redis"]
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}


class House:
    """Two servers; the second one has a live call, and has had one that it recorded."""

    def __init__(self) -> None:
        self.means: list[Means] = []
        self.there: Fleet

    async def furnish(self, folder: Path, stack: AsyncExitStack) -> None:
        for name in "ab":
            (folder / name).mkdir()
            records = Records(folder / name / "records.db", RecordsOptions())
            recordings = Recordings(folder / name / "recordings", KEY, lambda recorded: None)
            gallery = Gallery(board := Board())
            await stack.enter_async_context(records.attended())
            stack.push_async_callback(recordings.aclose)
            recordings.start()
            means = Means(token=TOKEN, board=board, records=records, recordings=recordings, gallery=gallery)
            self.means.append(means)

    async def live(self) -> None:
        gallery = self.means[1].gallery
        assert gallery is not None
        for observer in (gallery.board, gallery, self.there.members["b"]):
            observer.began("call-1", "stream-1", "default", CallDetails("plivo", "+911", "+912"))
        owner = self.there.members["a"].owner

        async def is_known() -> bool:
            return await owner("call-1") is not None

        while not await is_known():
            pass

    async def recorded(self) -> None:
        records, recordings = self.means[1].records, self.means[1].recordings
        assert records is not None
        assert recordings is not None
        reel = recordings.open("call-0", MULAW_8K)
        for _ in range(20):
            reel.write(bytes(1600))
        reel.close()
        await until(lambda: list(recordings.folder.glob("*.sealed")) and not recordings.waiting_bytes)
        (sealed,) = recordings.folder.glob("*.sealed")
        converse(records, "call-0", recording=sealed)
        await records.database.flush()

    def get(self, node: str, path: str, headers: Mapping[str, str] = OPERATOR) -> Any:
        stage = self.there.stages[node]
        return stage.session.get(stage.http + path, headers=headers)


@pytest.fixture
async def house(redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    # Whoever has gone is noticed by what he does not take.
    monkeypatch.setattr(desk, "PING_S", 0.1)
    made = House()
    async with AsyncExitStack() as stack:
        await made.furnish(tmp_path, stack)
        left = iter(made.means)
        async with fleet(redis, "ab", more=lambda: {"means": next(left)}) as made.there:
            yield made


async def test_a_call_is_watched_where_it_is(house: House) -> None:
    await house.live()
    async with house.get("a", "/console/events?call=call-1") as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        watching = Watching(response)
        assert [call["id"] for call in (await watching.next("calls"))["calls"]] == ["call-1"]
        gallery = house.means[1].gallery
        assert gallery is not None
        gallery.said("call-1", "caller", "where is my order", 1.0)
        assert (await watching.next("said"))["text"] == "where is my order"
    await until(lambda: not gallery.is_visited)


async def test_who_watches_is_let_go_when_the_other_server_ends(house: House) -> None:
    await house.live()
    async with house.get("a", "/console/events?call=call-1") as response:
        watching = Watching(response)
        await watching.next("calls")
        await house.there.stages["b"].service.aclose()
        await watching.end()


async def test_a_recording_is_played_from_where_it_is_kept(house: House) -> None:
    await house.recorded()
    bodies = []
    for node in "ba":
        async with house.get(node, "/console/calls/call-0/recording") as response:
            assert (response.status, response.content_type) == (200, "audio/wav")
            bodies.append(await response.read())
    assert bodies[0] == bodies[1] != b""
    async with house.get("a", "/console/calls/call-0/recording", {**OPERATOR, "Range": "bytes=10-19"}) as response:
        assert (response.status, await response.read()) == (206, bodies[0][10:20])
        assert response.headers["Content-Range"] == f"bytes 10-19/{len(bodies[0])}"


async def test_what_nobody_has_is_nowhere_and_who_may_not_look_here_does_not_look_there(house: House) -> None:
    await house.live()
    async with house.get("a", "/console/calls/call-9/recording") as response:
        assert response.status == 404
    async with house.get("a", "/console/events?call=call-1", {}) as response:
        assert response.status == 401
    async with house.get("a", "/console/events?call=call-1", {**OPERATOR, "X-Forwarded-For": "192.0.2.1"}) as response:
        assert response.status == 403


async def test_without_redis_each_shows_its_own(house: House, redis: RedisServer) -> None:
    await house.live()
    redis.stop()
    await until(lambda: house.there.members["a"].is_alone)
    async with house.get("a", "/console/events?call=call-1") as response:
        assert (await Watching(response).next("calls"))["calls"] == []
    async with house.get("a", "/console/calls/call-0/recording") as response:
        assert response.status == 404
