"""TwiML: the documents that tell Twilio what to do with a call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, tostring

# What XML 1.0 section 2.2 has no way to write.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(name: str, text: str = "", children: tuple[Element, ...] = (), /, **attributes: str) -> Element:
    """One element; text and attributes may hold anything, what XML cannot write is left out."""
    made = Element(name, {key: _written(value) for key, value in attributes.items()})
    made.text = _written(text) or None
    made.extend(children)
    return made


def response(*elements: Element) -> str:
    """A whole document."""
    document = tostring(element("Response", "", elements), "unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>{document}'


def connect(url: str, parameters: Mapping[str, str], status_url: str, after_url: str = "") -> str:
    """A two-way stream; then go on with the document at ``after_url``, or end."""
    given = tuple(element("Parameter", name=name, value=value) for name, value in parameters.items() if value)
    stream = element("Stream", "", given, url=url, statusCallback=status_url, statusCallbackMethod="POST")
    return response(element("Connect", "", (stream,)), *([redirect(after_url)] if after_url else []))


def redirect(url: str) -> Element:
    """Go on with the document at a URL."""
    return element("Redirect", url, method="POST")


def dial(to: str, caller_id: str, timeout_s: int, action_url: str) -> str:
    """Ring a number or a SIP address, let both talk, then go on with the document at ``action_url``, or end."""
    callee = element("Sip" if to.lower().startswith(("sip:", "sips:")) else "Number", to)
    more = {"callerId": caller_id, "action": action_url, "method": "POST" if action_url else ""}
    given = {name: value for name, value in more.items() if value}
    return response(element("Dial", "", (callee,), timeout=str(timeout_s), **given))


def brief(words: str, then_url: str) -> str:
    """Say something, then go on with the document at ``then_url``."""
    return response(element("Say", words), redirect(then_url))


def room(name: str) -> str:
    """Join others in a room; whoever leaves it ends it, and with it the call of the other."""
    conference = element("Conference", name, endConferenceOnExit="true", beep="false")
    return response(element("Dial", "", (conference,)))


def apology(words: str) -> str:
    """Something to be said before hanging up."""
    return response(element("Say", words), element("Hangup"))


def _written(text: str) -> str:
    return _UNWRITABLE.sub("", text)
