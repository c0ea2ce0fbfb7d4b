"""The records of a server: the file, those who write to it and read from it, and those who see that things go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from mediasrv.records import tables
from mediasrv.records.archive import Archive
from mediasrv.records.chronicle import Chronicle
from mediasrv.records.connection import Schema
from mediasrv.records.consents import CONSENTS, Consents
from mediasrv.records.database import Database
from mediasrv.records.elsewhere import ELSEWHERE, Elsewhere
from mediasrv.records.erasure import TOMBSTONES, Eraser
from mediasrv.records.keyring import Keyring
from mediasrv.records.options import RecordsOptions
from mediasrv.records.retention import Retention
from mediasrv.records.suppressions import SUPPRESSIONS, Suppressions

SCHEMAS = (tables.CALLS, CONSENTS, SUPPRESSIONS, TOMBSTONES, ELSEWHERE)
"""Of what is always there."""


class Records:
    """All of it; ``start`` before anything else, and ``aclose``."""

    def __init__(
        self,
        path: Path,
        options: RecordsOptions,
        *others: Schema,
        recording_folders: Sequence[Path] = (),
        capture_folders: Sequence[Path] = (),
    ) -> None:
        """``others`` are the schemas of stores that are not among ``SCHEMAS``; captures go by their own retention, and
        with whoever is erased. Reads the key: raise ``ConfigError``."""
        schemas = (*SCHEMAS, *others)
        self.database = Database(path, schemas)
        keyring = Keyring.beside(path)
        self.chronicle = Chronicle(self.database, keep_transcripts=options.keep_transcripts)
        self.archive = Archive(self.database)
        self.suppressions = Suppressions(self.database, keyring)
        self.consents = Consents(self.database)
        self.elsewhere = Elsewhere(self.database, keyring)
        self.eraser = Eraser(self.database, schemas, keyring, self.elsewhere, [*recording_folders, *capture_folders])
        self._retention = Retention(self.database, schemas, options, recording_folders, self.elsewhere)
        self._sweeping: asyncio.Task[None] | None = None

    @classmethod
    def configured(cls, options: RecordsOptions, recordings: Path, captures: Path, *others: Schema) -> Records | None:
        """Those of a configuration; ``None`` where none are kept."""
        if options.file is None:
            return None
        return cls(options.file, options, *others, recording_folders=[recordings], capture_folders=[captures])

    async def start(self) -> None:
        """Open the file; raise ``ConfigError`` for what the operator must mend."""
        await self.database.start()

    def carrier_recorded(self, call_id: str, recording_id: str, url: str, duration_ms: int) -> None:
        """The carrier has a recording of its own ready: it is written down, or deleted there if the call was erased."""
        self.chronicle.carrier_recorded(call_id, recording_id, url, duration_ms)
        self.elsewhere.note_late(call_id, url or recording_id, recording_id)
        self._retention.look_soon()

    def attend(self) -> None:
        """This is a server that calls are on: from now on, end those of servers that are gone, and sweep."""
        self._sweeping = asyncio.create_task(self._retention.run())

    @asynccontextmanager
    async def attended(self) -> AsyncIterator[None]:
        """Open and attended to, until the end; raise ``ConfigError`` as ``start`` does."""
        try:
            await self.start()
            self.attend()
            yield
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Write what waits, and close; safe to call twice."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeping
            self._sweeping = None
        await self.database.aclose()
