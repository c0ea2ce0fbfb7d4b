"""Recordings that carriers keep of somebody who is erased."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mediasrv.call.link import CallDetails
from mediasrv.errors import CarrierError
from mediasrv.records import elsewhere, retention
from mediasrv.records.records import Records
from tests.patience import WAIT_S
from tests.records.stage import CALLER, OURS, kept


class Carrier:
    """Deletes recordings, or refuses to."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.deleted: list[str] = []
        self.has_deleted = asyncio.Event()

    async def delete_recording(self, recording_id: str) -> None:
        if self.refuses:
            raise CarrierError("does not answer", carrier="twilio", retryable=True)
        self.deleted.append(recording_id)
        self.has_deleted.set()


async def record(records: Records, call_id: str, carrier: str, name: str, caller: str = CALLER) -> str:
    """Have a call that the carrier has recorded; where that is."""
    records.chronicle.began(call_id, "s", "support", CallDetails(carrier, caller, OURS, {}))
    place = f"https://media.example/{call_id}.wav"
    records.chronicle.carrier_recorded(call_id, name, place, 1500)
    records.chronicle.ended(call_id, "caller hung up")
    await records.database.flush()
    return place


async def test_each_goes_at_its_own_carrier_and_what_has_no_name_is_named(tmp_path: Path) -> None:
    plivo, twilio = Carrier(), Carrier()
    async with kept(tmp_path) as records:
        records.elsewhere.keepers = {"plivo": plivo, "twilio": twilio}
        await record(records, "c-1", "plivo", "r-1")
        await record(records, "c-2", "twilio", "r-2")
        await record(records, "c-3", "plivo", "r-3", caller="+919800000000")
        nameless = await record(records, "c-4", "exotel", "")
        unknown = await record(records, "c-5", "telnyx", "r-5")
        erased = await records.eraser.erase(CALLER)
    assert (plivo.deleted, twilio.deleted, erased.deleted_elsewhere) == (["r-1"], ["r-2"], 2)
    assert erased.places_elsewhere == [nameless]
    assert erased.places_later == {unknown: "telnyx: account is not configured"}


async def test_what_a_carrier_did_not_delete_is_asked_for_by_the_next_erasure(tmp_path: Path) -> None:
    twilio = Carrier(refuses=True)
    async with kept(tmp_path) as records:
        records.elsewhere.keepers = {"twilio": twilio}
        place = await record(records, "c-1", "twilio", "r-1")
        erased = await records.eraser.erase(CALLER)
        assert erased.places_later == {place: "twilio: does not answer"}
        assert await records.archive.call("c-1") is None
    async with kept(tmp_path) as records:
        records.elsewhere.keepers, twilio.refuses = {"twilio": twilio}, False
        await record(records, "c-2", "twilio", "r-2", caller="+919800000000")
        erased = await records.eraser.erase("+919800000000")
        assert (sorted(twilio.deleted), erased.deleted_elsewhere) == (["r-1", "r-2"], 1)
        assert (await records.elsewhere.sweep()).deleted == frozenset()


async def test_a_server_asks_again_by_itself(tmp_path: Path) -> None:
    twilio = Carrier()
    async with kept(tmp_path) as records:
        await record(records, "c-1", "twilio", "r-1")
        assert (await records.eraser.erase(CALLER)).places_later
        records.elsewhere.keepers = {"twilio": twilio}
        records.attend()
        async with asyncio.timeout(retention.EVERY_S):
            await twilio.has_deleted.wait()
    assert twilio.deleted == ["r-1"]


async def test_a_file_of_an_older_program_is_taken_on(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        await record(records, "c-1", "plivo", "r-1")
        await records.database.write("ALTER TABLE recordings DROP COLUMN name")
        await records.database.write("UPDATE schemas SET steps = 1 WHERE name = 'calls'")
    async with kept(tmp_path) as records:
        assert (await records.eraser.erase(CALLER)).places_elsewhere == ["https://media.example/c-1.wav"]


async def test_a_recording_of_which_the_carrier_tells_after_the_erasure_is_deleted_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SOON_S", 0.05)
    twilio = Carrier()
    async with kept(tmp_path) as records:
        records.chronicle.began("c-1", "s", "support", CallDetails("twilio", CALLER, OURS, {}))
        records.chronicle.ended("c-1", "caller hung up")
        await records.database.flush()
        await records.eraser.erase(CALLER)
        records.elsewhere.keepers = {"twilio": twilio}
        records.attend()
        # Of a call that is not ours, nothing is known and nothing done.
        records.carrier_recorded("c-9", "r-9", "https://media.example/c-9.wav", 1500)
        records.carrier_recorded("c-1", "r-1", "https://media.example/c-1.wav", 1500)
        await records.database.flush()
        # The words may have been written behind the first look.
        records.carrier_recorded("c-1", "r-1", "https://media.example/c-1.wav", 1500)
        async with asyncio.timeout(WAIT_S):
            await twilio.has_deleted.wait()
        assert twilio.deleted == ["r-1"]
        assert await records.archive.call("c-1") is None
        assert records.database.lost == 0
        assert not await records.database.read("SELECT * FROM recordings")
    assert "c-1" not in (tmp_path / "records.db").read_bytes().decode("latin-1")


async def test_a_call_that_was_erased_is_forgotten_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twilio = Carrier()
    async with kept(tmp_path) as records:
        await record(records, "c-1", "twilio", "r-1")
        await records.eraser.erase(CALLER)
        monkeypatch.setattr(elsewhere, "LATE_S", -1.0)
        records.elsewhere.keepers = {"twilio": twilio}
        await records.elsewhere.sweep()
        assert not await records.database.read("SELECT * FROM erased_calls")
        records.carrier_recorded("c-1", "r-2", "https://media.example/c-1.wav", 1500)
        await records.database.flush()
        await records.elsewhere.sweep()
    assert twilio.deleted == ["r-1"]


async def test_a_call_that_comes_back_has_its_recordings(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        await record(records, "c-1", "twilio", "r-1")
        await records.eraser.erase(CALLER)
        twilio = Carrier()
        records.elsewhere.keepers = {"twilio": twilio}
        await records.elsewhere.sweep()
        records.chronicle.began("c-1", "t", "support", CallDetails("twilio", "+919800000000", OURS, {}))
        records.carrier_recorded("c-1", "r-2", "https://media.example/c-1b.wav", 1500)
        await records.database.flush()
        await records.elsewhere.sweep()
        call = await records.archive.call("c-1")
    assert call is not None
    assert [each["place"] for each in call["recordings"]] == ["https://media.example/c-1b.wav"]
    assert twilio.deleted == ["r-1"]
