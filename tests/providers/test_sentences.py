import pytest

from mediasrv.providers.sentences import SentenceCut


def cut(text: str, sentences: int, step: int = 1) -> str:
    """What is let through of a text that comes in steps, until the cut is done."""
    passed = ""
    sentence_cut = SentenceCut(sentences)
    for at in range(0, len(text), step):
        passed += sentence_cut.push(text[at : at + step])
        if sentence_cut.is_done:
            break
    return passed


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "sentences", "kept"),
    [
        ("A young man! What a brave young man! I say.", 2, "A young man! What a brave young man!"),
        ("A young man! What a brave young man!", 2, "A young man! What a brave young man!"),
        ("One. Two.", 0, "One. Two."),
        ("Ask Mr. Bennet and Mrs. Bennet. Then go.", 1, "Ask Mr. Bennet and Mrs. Bennet."),
        ('He said "Yes." And left.', 1, 'He said "Yes."'),
        ("It costs 3.50 in all. Cheap!", 1, "It costs 3.50 in all."),
        ("Wait... what?! No.", 2, "Wait... what?!"),
        ("", 1, ""),
    ],
)
def test_a_reply_is_cut_after_its_sentences(text: str, sentences: int, kept: str, step: int) -> None:
    assert cut(text, sentences, step) == kept
