"""Twilio's own package judges our documents, on cases that nobody thought of; its judgement of our signatures is in
``tests/wire/test_twilio_signature.py``.

``MEDIASRV_CASES`` is how many of each; thousands take a minute.
"""

from __future__ import annotations

import os
from typing import Any
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis.strategies import characters, dictionaries, integers, sampled_from, text
from twilio.twiml import voice_response as theirs

from mediasrv.carriers import twiml

CASES = settings(max_examples=int(os.environ.get("MEDIASRV_CASES", "100")), deadline=None)
# What XML can hold (their package writes what no parser reads, where it cannot) and a parser gives back unchanged.
WORDS = text(characters(min_codepoint=0x20, max_codepoint=0x10FFFF, exclude_categories=("Cs", "Cn")), max_size=60)
NAMES = text("abcXYZ_-.", min_size=1, max_size=10)


@CASES
@given(url=WORDS, status_url=WORDS, parameters=dictionaries(NAMES, WORDS.filter(bool), max_size=4))
def test_a_stream_is_what_twilios_package_writes(url: str, status_url: str, parameters: dict[str, str]) -> None:
    stream = theirs.Stream(url=url, status_callback=status_url, status_callback_method="POST")
    for name, value in parameters.items():
        stream.parameter(name=name, value=value)
    connect = theirs.Connect()
    connect.append(stream)
    assert alike(twiml.connect(url, parameters, status_url), connect)


@CASES
@given(
    to=WORDS.filter(lambda to: not to.lower().startswith(("sip:", "sips:"))),
    scheme=sampled_from(["", "sip:", "SIPS:"]),
    timeout_s=integers(1, 600),
    action_url=WORDS.filter(bool),
    caller_id=WORDS.filter(bool),
)
def test_a_callee_is_rung_as_twilios_package_writes_it(
    to: str, scheme: str, timeout_s: int, action_url: str, caller_id: str
) -> None:
    dial = theirs.Dial(timeout=timeout_s, caller_id=caller_id, action=action_url, method="POST")
    (dial.sip if scheme else dial.number)(scheme + to)
    assert alike(twiml.dial(scheme + to, caller_id, timeout_s, action_url), dial)


@CASES
@given(words=WORDS, then_url=WORDS, name=WORDS)
def test_what_is_said_and_who_meets_are_what_twilios_package_writes(words: str, then_url: str, name: str) -> None:
    assert alike(twiml.brief(words, then_url), theirs.Say(words), theirs.Redirect(then_url, method="POST"))
    assert alike(twiml.apology(words), theirs.Say(words), theirs.Hangup())
    dial = theirs.Dial()
    dial.conference(name, end_conference_on_exit=True, beep=False)
    assert alike(twiml.room(name), dial)


def alike(document: str, *elements: Any) -> bool:
    """Whether a document says the same as these elements, in whatever order their attributes stand."""
    response = theirs.VoiceResponse()
    for element in elements:
        response.append(element)
    return ElementTree.canonicalize(document) == ElementTree.canonicalize(str(response))
