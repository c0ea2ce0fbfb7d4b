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


def connect(url: str, parameters: Mapping[str, str], status_url: str) -> str:
    """A two-way stream, and nothing behind it: the call ends when the stream does."""
    given = tuple(element("Parameter", name=name, value=value) for name, value in parameters.items() if value)
    stream = element("Stream", "", given, url=url, statusCallback=status_url, statusCallbackMethod="POST")
    return response(element("Connect", "", (stream,)))


def apology(words: str) -> str:
    """Something to be said before hanging up."""
    return response(element("Say", words), element("Hangup"))


def _written(text: str) -> str:
    return _UNWRITABLE.sub("", text)
