"""A whole server with the operator's API, agents on scripted providers, and records in a real file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from mediasrv.call.agency import Agency
from mediasrv.call.observers import Observers
from mediasrv.carriers.options import PlivoOptions
from mediasrv.records.options import RecordsOptions
from mediasrv.records.records import Records
from mediasrv.server.api.clerk import Means
from mediasrv.server.board import Board
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from tests.call.stage import agent_options
from tests.patience import WAIT_S, until
from tests.server.stage import UNSIGNED, Phone
from tests.server.stage import Stage as ServerStage

TOKEN = "a token that nobody guesses"
CALLER = "+919812345678"


class ApiStage(ServerStage):
    """The operator's side of it."""

    records: Records | None
    board: Board

    async def ask(
        self, method: str, path: str, body: Any = None, *, token: str = TOKEN, data: bytes | None = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """The status, the JSON and the headers of an answer."""
        sent = data if data is not None else None if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {token}"} if token else {}
        given |= {"Content-Type": "application/json"} if sent is not None else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, self.http + path, data=sent, headers=given) as response:
            assert response.content_type == "application/json", await response.text()
            return response.status, orjson.loads(await response.read()), dict(response.headers)

    async def answer(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """The status and the JSON; of a fault, its code."""
        status, answer, _ = await self.ask(method, path, body, **more)
        return status, answer["error"]["code"] if status >= 400 else answer

    async def ring(self, call_id: str = "call-1") -> Phone:
        """A call comes in."""
        await self.post("/plivo/answer", {"CallUUID": call_id, "From": CALLER[1:], "To": "912266001234"})
        phone = await self.phone()
        phone.start(call_id)
        await until(lambda: call_id in self.board.entries)
        if self.records is not None:
            await self.records.database.flush()
        return phone

    async def is_over(self, call_id: str = "call-1") -> None:
        """Return when a call is."""
        await until(lambda: call_id not in self.board.entries)
        if self.records is not None:
            await self.records.database.flush()


@asynccontextmanager
async def serving(
    folder: Path | None, token: str = TOKEN, *, port: int = 0, plivo: PlivoOptions = UNSIGNED, **means: Any
) -> AsyncIterator[ApiStage]:
    """With records, if there is a folder for them."""
    records = None if folder is None else Records(folder / "records.db", RecordsOptions())
    board = Board()
    observer = Observers(board, *([records.chronicle] if records else []))
    agency = Agency({"default": agent_options(greeting="Good day.")}, observer=observer)
    given = Means(token=token, board=board, records=records, **means)
    options = ServerOptions(port=port, sheds_load=False)
    service = Service(options, plivo, agency, means=given)
    if records is not None:
        await records.start()
    await service.start()
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_S)) as session:
            stage = ApiStage(service, agency, session)  # type: ignore[arg-type]
            stage.records, stage.board = records, board
            yield stage
            for phone in stage.phones:
                phone.ears.websocket.abort()
    finally:
        await service.aclose()
        if records is not None:
            await records.aclose()
