"""Plivo's own package judges our signatures and our documents, on cases that nobody thought of.

``MEDIASRV_CASES`` is how many of each; thousands take a minute.
"""

from __future__ import annotations

import os
from typing import Any
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis.strategies import builds, dictionaries, lists, sampled_from, text, tuples
from plivo import xml
from plivo.utils import signature_v3, validate_signature, validate_v3_signature

from mediasrv.carriers import plivo_documents as documents
from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo_documents import Dial, clean
from mediasrv.wire.signature import sign_v2, sign_v3, verify, verify_v2

CASES = settings(max_examples=int(os.environ.get("MEDIASRV_CASES", "100")), deadline=None)
TOKENS = text(min_size=1, max_size=40)
NONCES = text("0123456789", min_size=1, max_size=20)
# What a URL may hold as it stands. Of percent signs Plivo's package takes none that hide other than ASCII.
WORDS = text("abcXYZ019-._~+", max_size=12)
PATHS = lists(text("abcXYZ019-._~", min_size=1, max_size=8), max_size=3).map("/".join)
PAIRS = lists(tuples(text("abcXYZ019", min_size=1, max_size=6), WORDS), max_size=4)
FIELDS = dictionaries(
    text(min_size=1, max_size=10), text(max_size=20) | lists(text(max_size=8), min_size=1), max_size=6
)


def address(scheme: str, host: str, path: str, pairs: list[tuple[str, str]]) -> str:
    query = "&".join(f"{key}={value}" for key, value in pairs)
    return f"{scheme}://{host}/{path}{'?' + query if query else ''}"


URLS = builds(
    address,
    sampled_from(["http", "https"]),
    sampled_from(["voice.example.in", "voice.example.in:8443", "a-b.example.com"]),
    PATHS,
    PAIRS,
)


def encodable(value: Any) -> bool:
    """Whether a form could hold it: lone surrogates cannot be sent."""
    return not any("\ud800" <= char <= "\udfff" for char in str(value))


@CASES
@given(token=TOKENS.filter(encodable), url=URLS, nonce=NONCES, fields=FIELDS.filter(encodable))
def test_a_form_is_signed_as_plivo_signs_it(token: str, url: str, nonce: str, fields: dict[str, Any]) -> None:
    ours = sign_v3(token, "POST", url, nonce, fields)
    theirs = signature_v3.get_signature_v3(
        token, bytes(signature_v3.construct_post_url(url, dict(fields))).decode(), nonce
    )
    assert ours == theirs.decode()
    assert validate_v3_signature("POST", url, nonce, token, ours, dict(fields))
    verify(token, "POST", url, headers("V3", ours, nonce), fields)


@CASES
@given(token=TOKENS.filter(encodable), url=URLS, nonce=NONCES)
def test_a_question_is_signed_as_plivo_signs_it(token: str, url: str, nonce: str) -> None:
    ours = sign_v3(token, "GET", url, nonce)
    assert validate_v3_signature("GET", url, nonce, token, ours)
    assert validate_signature(url, nonce, sign_v2(token, url, nonce), token)
    verify(token, "GET", url, headers("V3", ours, nonce))
    verify_v2(token, url, headers("V2", sign_v2(token, url, nonce), nonce))


def headers(version: str, signature: str, nonce: str) -> list[tuple[str, str]]:
    return [(f"X-Plivo-Signature-{version}", signature), (f"X-Plivo-Signature-{version}-Nonce", nonce)]


STREAMS = builds(
    PlivoOptions,
    content_type=sampled_from(["audio/x-mulaw;rate=8000", "audio/x-l16;rate=8000", "audio/x-l16;rate=16000"]),
    keep_call_alive=sampled_from([True, False]),
    stream_timeout_s=sampled_from([1, 60, 86_400]),
    extra_headers=sampled_from(["", "a=1", "tenant=t1,call=c-1"]),
)


@CASES
@given(options=STREAMS, url=text(max_size=60).map(clean), words=text(max_size=60).map(clean), number=WORDS)
def test_documents_are_what_plivos_package_writes(options: PlivoOptions, url: str, words: str, number: str) -> None:
    stream = xml.StreamElement(
        url,
        bidirectional=True,
        audioTrack="inbound",
        keepCallAlive=options.keep_call_alive,
        contentType=options.content_type,
        streamTimeout=options.stream_timeout_s,
        statusCallbackUrl="https://x/status",
        statusCallbackMethod="POST",
        extraHeaders=options.extra_headers or None,
    )
    assert alike(documents.stream(url, options, "https://x/status"), stream)
    speak = xml.SpeakElement(words, voice="WOMAN", language="en-IN")
    assert alike(documents.brief(words, "https://x/y", "WOMAN", "en-IN"), speak, xml.RedirectElement("https://x/y"))
    dial = xml.DialElement(timeout=30, time_limit=14_400, caller_id="+911").add(xml.NumberElement(number))
    assert alike(documents.dial(Dial(to=number, caller_id="+911")), dial)


def alike(document: str, *elements: Any) -> bool:
    """Whether a document says the same as these elements, in whatever order their attributes stand."""
    response = xml.ResponseElement()
    for element in elements:
        response.add(element)
    return ElementTree.canonicalize(document) == ElementTree.canonicalize(response.to_string(False))
