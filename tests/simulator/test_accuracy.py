import pytest

from mediasrv.simulator.accuracy import word_errors, words_of


def test_case_hyphens_and_punctuation_are_no_words() -> None:
    assert words_of("He wasn't ill-disposed, he said.") == ["he", "wasn't", "ill", "disposed", "he", "said"]


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("go forward ten meters", "Go forward, ten meters.", 0),
        ("go forward ten meters", "go forward meters", 1),
        ("go forward ten meters", "go forward to ten meters", 1),
        ("go forward ten meters", "go forward then meters", 1),
        ("go forward ten meters", "", 4),
        ("", "you", 1),
        ("one two three", "three two one", 2),
    ],
)
def test_each_changed_missing_or_added_word_is_an_error(said: str, heard: str, errors: int) -> None:
    assert word_errors(said, heard) == errors
