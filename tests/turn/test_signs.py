from __future__ import annotations

import pytest

from mediasrv.turn import signs
from mediasrv.turn.signs import Sign

SIGNS = {name: sign for name, sign in vars(signs).items() if isinstance(sign, Sign)}
WHOLE = {
    "LINK": r"[a\], b](https:",
    "TARGET": "](https:",
    "IMAGE": "![a](/",
    "FOOTNOTE": "[^note]",
    "COMMENT": "<!--",
    "BRACKETED_URL": "<https://",
    "TAG": '<span class="x">',
    "ENTITY": "&nbsp;",
    "ESCAPE": r"\*",
    "SCHEME": "://",
    "CODE": "```",
    "HEADING": "## ",
    "ITEM": "- [x] ",
    "NUMBERED_ITEM": "12. ",
}


@pytest.mark.parametrize("name", WHOLE)
def test_every_part_of_a_sign_may_become_one(name: str) -> None:
    whole = SIGNS[name].whole.match(WHOLE[name])
    assert whole
    for length in range(1, whole.end()):
        beginning = WHOLE[name][:length]
        assert SIGNS[name].begun.fullmatch(beginning) or SIGNS[name].whole.match(beginning), beginning


@pytest.mark.parametrize("sign", SIGNS.values(), ids=SIGNS.keys())
@pytest.mark.parametrize("char", "*`~[!<&\\:|-1#😀a ")
def test_no_sign_is_waited_for_without_end(sign: Sign, char: str) -> None:
    for opening in ("", "[", "![", "<", "<a ", "[^", "[a](", "&", "- "):
        assert not sign.begun.fullmatch(opening + char * 400)
