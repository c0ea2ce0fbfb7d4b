from mediasrv.turn.headway import S_PER_CHAR, Headway


def test_before_the_first_word_there_is_none() -> None:
    assert Headway().ahead_s(5.0) < 0


def test_each_phrase_is_said_behind_those_before() -> None:
    headway = Headway()
    headway.give("x" * 20, 5.0)
    headway.give("x" * 10, 5.1)
    assert headway.ahead_s(5.1) == 30 * S_PER_CHAR - (5.1 - 5.0)


def test_a_voice_that_ran_out_of_words_begins_anew() -> None:
    headway = Headway()
    headway.give("x", 5.0)
    headway.give("x" * 20, 9.0)
    assert headway.ahead_s(9.5) == 20 * S_PER_CHAR - 0.5
