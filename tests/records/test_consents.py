from __future__ import annotations

from pathlib import Path

from mediasrv.records.consents import CONSENTS, ConsentRecord, Consents
from mediasrv.records.database import Database

NUMBER = "+919812345678"


async def test_consents_are_kept_by_number_and_end_when_they_are_withdrawn(tmp_path: Path) -> None:
    database = Database(tmp_path / "records.db", (CONSENTS,))
    await database.start()
    consents = Consents(database)
    older = ConsentRecord(NUMBER, "service", 10.0, 100.0, "form 7")
    newer = ConsentRecord(NUMBER, "promotional", 20.0, 200.0)
    for consent in (older, newer, ConsentRecord("+911", "service", 1.0, 2.0), older):
        await consents.add(consent)
    assert await consents.of(NUMBER) == [newer, older]
    assert await consents.of("+912") == []
    assert await consents.withdraw(NUMBER, "service", 50.0) == 1
    assert await consents.withdraw(NUMBER, "service", 60.0) == 0
    assert await consents.of(NUMBER) == [newer, ConsentRecord(NUMBER, "service", 10.0, 50.0, "form 7")]
    await database.aclose()
