"""The documents that Plivo obeys. The only door to the ``plivo`` package, of which the XML elements are used.

Its ``StreamElement`` knows no noise cancellation, and ``lxml`` below it refuses text that XML cannot hold: what
strangers gave is cleaned of that first, what the operator gave is his to mend.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plivo import xml

from mediasrv.carriers.options import PlivoOptions
from mediasrv.errors import ConfigError

# Plivo's limits: of a text of custom headers, and of what it cancels noise by.
_HEADER_BYTES = 512
_LEVELS = range(60, 101)
# Its page prints letters, digits and spaces, and uses these besides.
_HEADERS = re.compile(r"[A-Za-z0-9 =,;_-]*")
# What XML 1.0 section 2.2 leaves out of its characters.
_NO_CHARACTER = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Stream(xml.StreamElement):  # type: ignore[misc]
    """With the two attributes that the package does not have."""

    def __init__(self, url: str, options: PlivoOptions, status_url: str) -> None:
        super().__init__(
            url,
            bidirectional=True,
            audioTrack=options.audio_track,
            keepCallAlive=options.keep_call_alive,
            contentType=options.content_type,
            streamTimeout=options.stream_timeout_s,
            statusCallbackUrl=status_url,
            statusCallbackMethod="POST",
            extraHeaders=options.extra_headers or None,
        )
        self._options = options

    def to_dict(self) -> dict[str, str]:
        attributes: dict[str, str] = super().to_dict()
        if self._options.noise_cancellation:
            attributes["noiseCancellation"] = "true"
            attributes["noiseCancellationLevel"] = str(self._options.noise_cancellation_level)
        return attributes


def check(options: PlivoOptions) -> None:
    """Raise ``ConfigError`` for a stream that Plivo would not give."""
    if options.audio_track != "inbound":
        raise ConfigError('plivo.audio_track: a stream that goes both ways carries the track "inbound" and no other')
    if options.noise_cancellation_level not in _LEVELS:
        raise ConfigError("plivo.noise_cancellation_level: expected 60 to 100")
    if not _HEADERS.fullmatch(options.extra_headers) or len(options.extra_headers) > _HEADER_BYTES:
        raise ConfigError("plivo.extra_headers: expected key=value,key=value of letters and digits, at most 512 bytes")


def stream(url: str, options: PlivoOptions, status_url: str, after_url: str = "") -> str:
    """Open a stream that goes both ways, and keep the call for as long as that lives.

    Then go on with the document at ``after_url``, or end; a stream that does not keep the call has nothing after it.
    """
    stream = _Stream(url, options, status_url)
    return _document(stream, *([xml.RedirectElement(after_url)] if after_url and options.keep_call_alive else []))


def go_on(url: str) -> str:
    """Go on with the document at a URL."""
    return _document(xml.RedirectElement(url))


def speak_and_hang_up(text: str, voice: str, language: str) -> str:
    """Say something and hang up; raise ``ValueError`` for text that XML cannot hold."""
    return _document(xml.SpeakElement(text, voice=voice, language=language), xml.HangupElement())


def hang_up() -> str:
    """End the call."""
    return _document(xml.HangupElement())


def nothing() -> str:
    """Do nothing more: where there is no other document the call ends."""
    return _document()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Somebody whom a call is put through to."""

    to: str
    """E.164, or a SIP URI."""
    caller_id: str = ""
    """The number that he sees; empty: the account's choice."""
    timeout_s: int = 30
    """How long it rings."""
    time_limit_s: int = 14_400
    """How long both may talk."""
    action_url: str = ""
    """Where the document is that the call goes on with, whatever came of it; empty: it ends."""
    music: str = ""
    """What the caller hears while it rings: the URL of a document or ``real``; empty: Plivo's ringing tone."""


def dial(order: Dial) -> str:
    """Ring somebody, and let both talk when he answers."""
    element = xml.DialElement(
        timeout=order.timeout_s,
        time_limit=order.time_limit_s,
        caller_id=order.caller_id or None,
        action=order.action_url or None,
        method="POST" if order.action_url else None,
        dial_music=order.music or None,
    )
    is_sip = order.to.lower().startswith(("sip:", "sips:"))
    element.add(xml.UserElement(clean(order.to)) if is_sip else xml.NumberElement(clean(order.to)))
    return _document(element)


def brief(words: str, then_url: str, voice: str, language: str) -> str:
    """Say something to who has answered, then go on with the document at ``then_url``."""
    return _document(xml.SpeakElement(clean(words), voice=voice, language=language), xml.RedirectElement(then_url))


def room(name: str) -> str:
    """Join others in a room; whoever leaves it ends it, and with it the call of the other."""
    return _document(xml.ConferenceElement(name, end_conference_on_exit=True, enter_sound="", exit_sound=""))


def clean(text: str) -> str:
    """A stranger's text without what XML cannot hold."""
    return _NO_CHARACTER.sub(" ", text)


def _document(*elements: object) -> str:
    response = xml.ResponseElement()
    for element in elements:
        response.add(element)
    return str(response.to_string(False))
