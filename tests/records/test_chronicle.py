"""What calls tell stands in the file."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from mediasrv.call.link import CallDetails
from mediasrv.records.archive import Wanted
from mediasrv.records.chronicle import Chronicle
from mediasrv.records.options import RecordsOptions
from tests.records.stage import CALLER, OURS, converse, kept, trace


async def test_a_call_is_written_down_whole(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        converse(records, "call-1", recording=Path("/tmp/x.sealed"))
        await records.database.flush()
        call = await records.archive.call("call-1")
    assert call is not None
    assert {"carrier", "agent", "direction", "from_number", "to_number", "body", "cause"} <= set(call)
    assert (call["carrier"], call["agent"], call["direction"]) == ("plivo", "support", "inbound")
    assert (call["from_number"], call["to_number"], call["body"]) == (CALLER, OURS, {"order": 7})
    assert call["cause"] == "caller hung up"
    assert call["ended"] >= call["started"]
    assert [(leg["id"], leg["kind"], leg["party"], leg["cause"]) for leg in call["legs"]] == [
        ("stream of call-1", "agent", "support", "caller hung up")
    ]
    assert [(words["side"], words["text"], words["complete"]) for words in call["transcript"]] == [
        ("bot", "Hello, how can I", False),
        ("caller", "where is my order", True),
        ("bot", "On its way.", True),
        ("caller", "when will it come", True),
    ]
    assert call["usage"] == [{"provider": "scripted", "use": "characters", "amount": 15.0}]
    (recording,) = call["recordings"]
    assert recording == {
        "place": "/tmp/x.sealed",
        "maker": "server",
        "began": "1970-01-01T00:16:40.000Z",
        "duration_ms": 2500,
        "is_whole": True,
    }


async def test_a_recording_of_the_carriers_stands_in_the_record_with_its_length(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        converse(records, "call-1")
        records.chronicle.carrier_recorded("call-1", "r-1", "https://media.example/1.wav", 1500)
        await records.database.flush()
        call = await records.archive.call("call-1")
    assert call is not None
    (recording,) = call["recordings"]
    assert (recording["place"], recording["maker"]) == ("https://media.example/1.wav", "carrier")
    assert (recording["duration_ms"], recording["is_whole"]) == (1500, True)


async def test_the_waterfall_stands_in_the_record_and_adds_up(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        converse(records, "call-1")
        await records.database.flush()
        call = await records.archive.call("call-1")
    assert call is not None
    (turn,) = call["turns"]
    parts = {name: value for name, value in turn.items() if name.endswith("_ms") and name != "response_ms"}
    assert len(parts) == 7
    assert set(parts.values()) == {100}
    assert turn["response_ms"] == sum(parts.values()) == 700


async def test_an_answer_is_dated_by_when_it_was_heard_and_not_by_when_that_was_known(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        records.chronicle.began("call-1", "stream-1", "support", CallDetails("plivo"))
        answered = trace(1)
        answered.told_s = answered.points_s["heard"] + 3600
        records.chronicle.turn_answered("call-1", answered)
        await records.database.flush()
        call = await records.archive.call("call-1")
    assert call is not None
    late = datetime.fromisoformat(call["started"]) - datetime.fromisoformat(call["turns"][0]["heard"])
    assert late > timedelta(minutes=59)


async def test_words_and_body_are_left_out_where_they_are_not_to_be_kept(tmp_path: Path) -> None:
    async with kept(tmp_path, RecordsOptions(keep_transcripts=False)) as records:
        converse(records, "call-1")
        await records.database.flush()
        call = await records.archive.call("call-1")
    assert call is not None
    assert (call["transcript"], call["body"]) == ([], {})
    assert len(call["turns"]) == 1


async def test_a_call_that_comes_back_is_the_same_call_with_a_further_leg(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        converse(records, "call-1")
        again = CallDetails("plivo", CALLER, OURS)
        records.chronicle.began("call-1", "second stream", "billing", again)
        records.chronicle.said("call-1", "caller", "hello again", 9.0, turn=1)
        await records.database.flush()
        call = await records.archive.call("call-1")
    assert call is not None
    assert (call["agent"], call["ended"], call["cause"]) == ("billing", None, None)
    assert sorted((leg["id"], leg["ended"] is None) for leg in call["legs"]) == [
        ("second stream", True),
        ("stream of call-1", False),
    ]
    assert call["transcript"][-1]["text"] == "hello again"
    assert len(call["transcript"]) == 5


async def test_a_handover_is_a_leg_of_its_own_and_the_last_word_about_it_counts(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        converse(records, "call-1")
        records.chronicle.handed_over("call-1", "leg-2", "+912266005678", "connected")
        records.chronicle.handed_over("call-1", "leg-2", "+912266005678", "the line is busy")
        await records.database.flush()
        call = await records.archive.call("call-1")
        his = await records.archive.calls(Wanted(number="+912266005678"))
    assert call is not None
    assert [(leg["kind"], leg["party"], leg["cause"]) for leg in call["legs"][1:]] == [
        ("transfer", "+912266005678", "the line is busy")
    ]
    assert [each["id"] for each in his] == ["call-1"]


async def test_a_call_that_was_not_begun_leaves_no_words_behind(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        chronicle: Chronicle = records.chronicle
        chronicle.said("nobody", "caller", "hello", 1.0, turn=1)
        await records.database.flush()
        assert await records.database.read("SELECT * FROM transcript") == []
        assert records.database.lost == 1
