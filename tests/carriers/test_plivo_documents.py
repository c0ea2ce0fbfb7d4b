from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis.strategies import text

from mediasrv.carriers import plivo_documents as documents
from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo_documents import Dial
from mediasrv.errors import ConfigError

OPTIONS = PlivoOptions()
Tree = list[tuple[str, dict[str, str], str, list[Any]]]


def tree(document: str) -> Tree:
    def inside(element: ElementTree.Element) -> Tree:
        return [(each.tag, each.attrib, each.text or "", inside(each)) for each in element]

    return inside(ElementTree.fromstring(document))


def test_every_attribute_of_a_stream_can_be_set() -> None:
    options = PlivoOptions(
        content_type="audio/x-l16;rate=16000",
        noise_cancellation=True,
        noise_cancellation_level=60,
        keep_call_alive=False,
        stream_timeout_s=600,
        extra_headers="tenant=t1,call=c01",
    )
    assert tree(documents.stream("wss://x/s?a=1&b=2", options, "https://x/status")) == [
        (
            "Stream",
            {
                "bidirectional": "true",
                "audioTrack": "inbound",
                "keepCallAlive": "false",
                "contentType": "audio/x-l16;rate=16000",
                "streamTimeout": "600",
                "statusCallbackUrl": "https://x/status",
                "statusCallbackMethod": "POST",
                "extraHeaders": "tenant=t1,call=c01",
                "noiseCancellation": "true",
                "noiseCancellationLevel": "60",
            },
            "wss://x/s?a=1&b=2",
            [],
        )
    ]


def test_noise_is_not_mentioned_where_it_stays() -> None:
    assert "noise" not in documents.stream("wss://x", OPTIONS, "https://x")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"audio_track": "both"}, "audio_track"),
        ({"audio_track": "outbound"}, "audio_track"),
        ({"noise_cancellation_level": 59}, "60 to 100"),
        ({"noise_cancellation_level": 101}, "60 to 100"),
        ({"extra_headers": 'a="b"'}, "key=value"),
        ({"extra_headers": "a=" + "b" * 511}, "512 bytes"),
    ],
)
def test_a_stream_that_plivo_would_not_give_is_the_operators_mistake(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        documents.check(replace(OPTIONS, **changes))


def test_a_dial_rings_a_number_or_a_sip_address() -> None:
    order = Dial(to="+919876500001", caller_id="+918000000000", timeout_s=20, action_url="https://x/y?a=1&b=2")
    ((tag, attributes, _, children),) = tree(documents.dial(order))
    assert (tag, attributes) == (
        "Dial",
        {
            "timeout": "20",
            "timeLimit": "14400",
            "callerId": "+918000000000",
            "action": "https://x/y?a=1&b=2",
            "method": "POST",
        },
    )
    assert children == [("Number", {}, "+919876500001", [])]
    ((_, attributes, _, children),) = tree(documents.dial(Dial(to="SIP:pbx@example.in", music="real")))
    assert attributes == {"timeout": "30", "timeLimit": "14400", "dialMusic": "real"}
    assert children == [("User", {}, "SIP:pbx@example.in", [])]


def test_who_is_briefed_goes_on_to_another_document() -> None:
    assert tree(documents.brief("Ann <&> waits.", "https://x/y?a=1&b=2", "WOMAN", "en-IN")) == [
        ("Speak", {"voice": "WOMAN", "language": "en-IN"}, "Ann <&> waits.", []),
        ("Redirect", {}, "https://x/y?a=1&b=2", []),
    ]


def test_a_room_ends_with_whoever_leaves_it() -> None:
    ((tag, attributes, name, _),) = tree(documents.room("r-1"))
    assert (tag, name, attributes["endConferenceOnExit"]) == ("Conference", "r-1", "true")


def test_calls_end_with_and_without_a_word() -> None:
    assert tree(documents.hang_up()) == [("Hangup", {}, "", [])]
    assert tree(documents.nothing()) == []
    said = tree(documents.speak_and_hang_up("व्यस्त & busy", "MAN", "hi-IN"))
    assert said[0] == ("Speak", {"voice": "MAN", "language": "hi-IN"}, "व्यस्त & busy", [])
    assert said[1][0] == "Hangup"
    with pytest.raises(ValueError, match="XML"):
        documents.speak_and_hang_up("bell\a", "MAN", "en-US")


@given(words=text(), address=text(min_size=1))
def test_nothing_that_a_stranger_says_becomes_a_part_of_the_document(words: str, address: str) -> None:
    spoken, redirect = tree(documents.brief(words, "https://x/y", "WOMAN", "en-US"))
    assert spoken[2] == documents.clean(words)
    assert (spoken[3], redirect[2]) == ([], "https://x/y")
    ((_, _, _, ((tag, attributes, _, inner),)),) = tree(documents.dial(Dial(to=address)))
    assert (tag in ("Number", "User"), attributes, inner) == (True, {}, [])


def test_a_stream_that_keeps_the_call_is_followed_by_the_question_how_it_goes_on() -> None:
    after = "https://x/plivo/after?call=1&body=b"
    stream, behind = tree(documents.stream("wss://x/s", OPTIONS, "https://x/status", after))
    assert (stream[0], behind) == ("Stream", ("Redirect", {}, after, []))
    assert tree(documents.go_on(after)) == [behind]
    # One that does not keep the call would be asked about while it lasts.
    loose = replace(OPTIONS, keep_call_alive=False)
    assert len(tree(documents.stream("wss://x/s", loose, "https://x/status", after))) == 1
