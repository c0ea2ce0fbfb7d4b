from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mediasrv.records.archive import Wanted, iso
from mediasrv.records.consents import ConsentRecord
from tests.records.stage import CALLER, OURS, converse, kept


async def test_calls_are_found_by_what_is_known_of_them(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        for number in range(5):
            converse(records, f"call-{number}", caller=f"+9198000000{number:02}", ends=number != 3)
        await records.database.flush()

        async def ids(**wanted: object) -> list[str]:
            return [call["id"] for call in await records.archive.calls(Wanted(**wanted))]  # type: ignore[arg-type]

        everyone = [f"call-{number}" for number in (4, 3, 2, 1, 0)]
        assert await ids() == everyone
        assert await ids(number="+919800000002") == ["call-2"]
        assert await ids(number=OURS) == everyone
        assert await ids(is_live=True) == ["call-3"]
        assert await ids(is_live=False) == ["call-4", "call-2", "call-1", "call-0"]
        assert await ids(agent="support", direction="inbound", since_s=0.0) == everyone
        assert await ids(agent="billing") == await ids(direction="outbound") == await ids(until_s=1.0) == []
        assert await ids(text="WILL it come") == await ids(text="supp") == everyone
        assert await ids(text="0003") == ["call-3"]
        assert await ids(text="call-2") == ["call-2"]
        assert await ids(text="hung up") == ["call-4", "call-2", "call-1", "call-0"]
        assert await ids(text="will%come") == await ids(text="call_2") == await ids(text="\\") == []
        assert await ids(most=2) == ["call-4", "call-3"]
        assert await ids(most=2, after="call-3") == ["call-2", "call-1"]
        assert await ids(after="call-0") == await ids(after="unknown") == []


async def test_a_call_that_nobody_knows_is_none(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        assert await records.archive.call("call-1") is None


async def test_all_that_is_kept_can_be_had(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        for number in range(120):
            converse(records, f"call-{number:03}")
        await records.consents.add(ConsentRecord(CALLER, "service", 1.0, 2.0, "form"))
        await records.suppressions.add("+911", "dtmf", "call-1")
        await records.eraser.erase("+919811111111")
        everything = [item async for item in records.archive.everything(Wanted())]
        his = [item async for item in records.archive.everything(Wanted(number=CALLER))]
    assert sorted(item["id"] for kind, item in everything if kind == "call") == [f"call-{n:03}" for n in range(120)]
    assert [kind for kind, _ in everything[120:]] == ["consent", "suppression", "tombstone"]
    assert everything[120][1] == {
        "number": CALLER,
        "purpose": "service",
        "granted": "1970-01-01T00:00:01.000Z",
        "expires": "1970-01-01T00:00:02.000Z",
        "source": "form",
    }
    assert everything[122][1]["counts"]["calls"] == 0
    assert {kind for kind, _ in his} == {"call", "consent"}
    assert len(his) == 121


@given(st.floats(0, 4e9))
def test_times_are_in_utc_to_the_millisecond(at_s: float) -> None:
    text = iso(at_s)
    assert len(text) == len("2026-11-21T09:52:00.123Z")
    assert text.endswith("Z")
