from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.carriers.twiml import apology, connect, response


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
