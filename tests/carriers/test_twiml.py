from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.carriers.twiml import apology, brief, connect, dial, response, room


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=3))
def test_whatever_is_given_along_the_document_stays_one(words: str, parameters: dict[str, str]) -> None:
    stream = ElementTree.fromstring(connect("wss://h/twilio/stream", parameters, 'https://h/s?a=1&b=<">'))[0][0]
    assert stream.tag == "Stream"
    assert stream.get("statusCallback") == 'https://h/s?a=1&b=<">'
    assert len(stream) == len(parameters)
    said = ElementTree.fromstring(apology(words))
    assert [each.tag for each in said] == ["Say", "Hangup"]


def test_what_can_be_written_arrives_as_it_was() -> None:
    stream = ElementTree.fromstring(connect("wss://h", {"body": "</Stream>&amp;<\x00é😀", "agent": ""}, "https://h"))[
        0
    ][0]
    assert [(each.get("name"), each.get("value")) for each in stream] == [("body", "</Stream>&amp;<é😀")]


def test_nothing_is_a_document_too() -> None:
    assert list(ElementTree.fromstring(response())) == []


def test_a_number_and_a_sip_address_are_rung_each_in_its_way() -> None:
    (number,) = ElementTree.fromstring(dial("+15550002", "+15550001", 20, "https://h/d?a=1&b=2"))
    assert number.attrib == {
        "timeout": "20",
        "callerId": "+15550001",
        "action": "https://h/d?a=1&b=2",
        "method": "POST",
    }
    assert [(each.tag, each.text) for each in number] == [("Number", "+15550002")]
    (sip,) = ElementTree.fromstring(dial("SIP:a@h", "", 30, ""))
    assert sip.attrib == {"timeout": "30"}
    assert [(each.tag, each.text) for each in sip] == [("Sip", "SIP:a@h")]


def test_a_briefing_goes_on_and_a_room_ends_with_who_leaves_it() -> None:
    said, then = ElementTree.fromstring(brief("Order 7 & <waits>", "https://h/t?a=1&b=2"))
    assert (said.text, then.tag, then.text) == ("Order 7 & <waits>", "Redirect", "https://h/t?a=1&b=2")
    (conference,) = ElementTree.fromstring(room("r-1"))[0]
    assert (conference.text, conference.get("endConferenceOnExit")) == ("r-1", "true")


@pytest.mark.sdk
def test_the_package_builds_the_same_document() -> None:
    twiml = pytest.importorskip("twilio.twiml.voice_response")
    theirs, stream = (
        twiml.VoiceResponse(),
        twiml.Stream(url="wss://h/s", status_callback="https://h/c?a=1&b=2", status_callback_method="POST"),
    )
    stream.parameter(name="agent", value="sales & <support>")
    there = twiml.Connect()
    there.append(stream)
    theirs.append(there)
    ours = connect("wss://h/s", {"agent": "sales & <support>"}, "https://h/c?a=1&b=2")
    assert ElementTree.canonicalize(ours) == ElementTree.canonicalize(str(theirs))


def test_behind_a_stream_it_is_asked_how_the_call_goes_on() -> None:
    connected, behind = ElementTree.fromstring(connect("wss://h", {}, "https://h/status", "https://h/after?call=1&a=b"))
    assert (connected.tag, behind.tag, behind.text) == ("Connect", "Redirect", "https://h/after?call=1&a=b")
    assert len(ElementTree.fromstring(connect("wss://h", {}, "https://h/status"))) == 1
