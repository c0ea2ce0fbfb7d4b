from __future__ import annotations

import pytest

from mediasrv.call.phrasebook import language_of
from mediasrv.turn.language import NO_LANGUAGE


@pytest.mark.parametrize("code", ["en", "hi"])
def test_the_rules_of_a_language_are_read_once(code: str) -> None:
    assert language_of(code).code == code
    assert language_of(code) is language_of(code)


@pytest.mark.parametrize("code", ["en-IN", "EN", "en_GB"])
def test_a_region_and_capitals_do_not_matter(code: str) -> None:
    assert language_of(code).words == language_of("en").words


@pytest.mark.parametrize("code", ["", "fr", "../en", "languages"])
def test_a_language_without_a_file_has_no_rules(code: str) -> None:
    assert language_of(code) is NO_LANGUAGE
