"""How web and e-mail addresses are said: "example dot com slash help", "ravi at example dot com".

Of a web address a person says neither scheme nor "www", and a question mark ends what anybody could write down. What
merely looks like one, a file's name or a sentence without a blank behind it, is left alone: without a scheme, only
names under the domains that callers are sent to are addresses.
"""

from __future__ import annotations

import re

_ENDINGS = (
    "com|org|net|edu|gov|mil|int|info|biz|in|io|ai|app|dev|co|me|tv|xyz|shop|store|online|site|tech|cloud|live|bank|"
    "uk|us|eu|de|fr|es|nl|ch|sg|ae|lk|np|bd|pk|au|nz|ca|jp|cn|br|za"
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(
    rf"(?<![\w.+%-])(?:mailto:)?(?P<local>[\w.+%-]{{1,64}})@(?P<domain>(?:{_LABEL}\.){{1,8}}[a-z]{{2,18}})(?![\w@-])",
    re.IGNORECASE,
)
_WEB = re.compile(
    rf"(?<![\w@.])(?:[a-z]{{2,10}}://|(?=(?:{_LABEL}\.){{1,8}}(?:{_ENDINGS})(?![\w@-])))(?:www\.)?"
    rf"(?P<host>(?:{_LABEL}\.){{0,8}}{_LABEL})(?P<port>:\d{{1,5}})?(?P<path>/[\w./~%@:=&+-]{{0,100}})?",
    re.IGNORECASE,
)
_SAID = {".": "dot", "-": "dash", "_": "underscore", "/": "slash", "+": "plus", "~": "tilde", "%": "percent"}
_SAID |= {"@": "at", ":": "colon", "=": "equals", "&": "and"}
_SIGN = re.compile("[{}]".format(re.escape("".join(_SAID))))


def say_addresses(text: str) -> str:
    """Write all addresses in a text as they are said in English."""
    if "." not in text:
        return text
    return _WEB.sub(_say_web, _EMAIL.sub(_say_email, text))


def _say_email(match: re.Match[str]) -> str:
    return f"{_say(match['local'])} at {_say(match['domain'])}"


def _say_web(match: re.Match[str]) -> str:
    path = match["path"] or ""
    # A dot at its end is the sentence's.
    said, tail = path.rstrip(".:&"), path[len(path.rstrip(".:&")) :]
    return _say(match["host"] + (match["port"] or "") + said.rstrip("/")) + tail


def _say(address: str) -> str:
    return " ".join(_SIGN.sub(lambda sign: f" {_SAID[sign[0]]} ", address).split())
