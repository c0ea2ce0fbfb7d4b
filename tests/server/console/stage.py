"""A whole server with its console: scripted agents, records and recordings in real files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from mediasrv.call.agency import Agency
from mediasrv.call.observers import Observers
from mediasrv.carriers.options import PlivoOptions
from mediasrv.net.sse import EventReader
from mediasrv.records.options import RecordsOptions
from mediasrv.records.recordings import Recordings
from mediasrv.records.records import Records
from mediasrv.server.api.clerk import Means
from mediasrv.server.board import Board
from mediasrv.server.console.gallery import Gallery
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from tests.call.stage import agent_options
from tests.patience import WAIT_S
from tests.server.api.stage import TOKEN, ApiStage

KEY = bytes(range(32))


class ConsoleStage(ApiStage):
    """A visitor's side of it."""

    recordings: Recordings | None
    gallery: Gallery

    async def visit(
        self, path: str, token: str = TOKEN, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """The status, the body and the headers of an answer."""
        given = {"Authorization": f"Bearer {token}"} if token else {}
        # As it stands: no client of ours is to tidy up what somebody tries.
        async with self.session.get(self.http + path, headers={**given, **(headers or {})}) as response:
            return response.status, await response.read(), dict(response.headers)

    @asynccontextmanager
    async def watching(self, call_id: str = "") -> AsyncIterator[Watching]:
        """Watch, with the events of a stream."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        path = f"/console/events?call={call_id}" if call_id else "/console/events"
        async with self.session.get(self.http + path, headers=headers) as response:
            assert response.status == 200, await response.text()
            yield Watching(response)


class Watching:
    """A stream of events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self._reader = EventReader()
        self._events: list[tuple[str, Any]] = []

    async def next(self, name: str) -> Any:
        """The next event of a name; those before it are skipped."""
        async with asyncio.timeout(WAIT_S):
            while True:
                while self._events:
                    found, data = self._events.pop(0)
                    if found == name:
                        return data
                read = await self.response.content.readany()
                assert read, "the stream has ended"
                self._events += [(event.name, orjson.loads(event.data)) for event in self._reader.receive(read)]

    async def end(self) -> None:
        """Return when the stream has ended, however that was."""
        try:
            async with asyncio.timeout(WAIT_S):
                while await self.response.content.readany():
                    pass
        except aiohttp.ClientError:
            return


@asynccontextmanager
async def console(
    folder: Path, *, keeps: bool = True, token: str = TOKEN, means: Mapping[str, Any] | None = None, **agent: Any
) -> AsyncIterator[ConsoleStage]:
    """``keeps`` records and recordings; ``agent`` are changes of the agent's options."""
    records = Records(folder / "records.db", RecordsOptions()) if keeps else None
    gallery = Gallery(board := Board())
    observer = Observers(board, *([records.chronicle] if records else []), gallery)
    recordings = Recordings(folder / "recordings", KEY, observer.recorded) if keeps else None
    agent.setdefault("greeting", "Good day.")
    agency = Agency({"default": agent_options(record=keeps, **agent)}, observer=observer, recorder=recordings)
    given = Means(token=token, board=board, records=records, recordings=recordings, gallery=gallery, **(means or {}))
    service = Service(
        ServerOptions(port=0, sheds_load=False), PlivoOptions(verify_signatures=False), agency, means=given
    )
    if records is not None and recordings is not None:
        await records.start()
        recordings.start()
    await service.start()
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_S)) as session:
            stage = ConsoleStage(service, agency, session)  # type: ignore[arg-type]
            stage.records, stage.recordings, stage.board, stage.gallery = records, recordings, board, gallery
            yield stage
            for phone in stage.phones:
                phone.ears.websocket.abort()
    finally:
        await service.aclose()
        if records is not None and recordings is not None:
            await recordings.aclose()
            await records.aclose()
