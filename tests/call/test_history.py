from collections.abc import AsyncGenerator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.call.history import INTERRUPTED, History
from mediasrv.errors import ConfigError
from mediasrv.providers.base import Delta, Message, ToolCall, ToolSpec
from mediasrv.providers.scripted import ScriptedLlm
from tests.call.stage import Stage, agent_options, perform


def roles(history: History) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in history.messages]


def test_instructions_come_first() -> None:
    assert roles(History("Be brief.")) == [("system", "Be brief.")]


def test_no_instructions_no_message() -> None:
    assert roles(History("")) == []


def test_turns_follow_one_another() -> None:
    history = History("")
    history.caller_said(1, "Hello")
    history.bot_said("Hi!")
    history.caller_said(2, "Bye")
    assert roles(history) == [("user", "Hello"), ("assistant", "Hi!"), ("user", "Bye")]


def test_a_turn_that_goes_on_replaces_its_beginning() -> None:
    history = History("")
    history.caller_said(1, "My number is")
    history.caller_said(1, "My number is four two")
    assert roles(history) == [("user", "My number is four two")]


def test_a_turn_after_a_reply_that_was_not_heard_is_another_turn() -> None:
    history = History("")
    history.caller_said(1, "Hello")
    history.caller_said(2, "Are you there?")
    assert roles(history) == [("user", "Hello"), ("user", "Are you there?")]


def test_what_was_cut_is_marked_for_the_model() -> None:
    history = History("")
    history.bot_said("Your order will", complete=False)
    assert roles(history) == [("assistant", "Your order will" + INTERRUPTED)]


def test_what_nobody_heard_was_not_said() -> None:
    history = History("")
    history.bot_said("", complete=False)
    assert roles(history) == []


def test_two_utterances_in_a_row_are_one_message() -> None:
    history = History("")
    history.bot_said("Hello.")
    history.bot_said("Are you there?")
    assert roles(history) == [("assistant", "Hello. Are you there?")]


def test_tools_stay_even_when_the_reply_is_not_heard() -> None:
    history = History("")
    history.caller_said(1, "Where is my order?")
    call = ToolCall("c1", "order_status", '{"order_id":"7"}')
    history.tool_called([call], ["in Pune"])
    assert history.messages[1:] == [
        Message("assistant", "", (call,)),
        Message("tool", "in Pune", tool_call_id="c1"),
    ]


def test_the_caller_going_on_after_a_tool_changes_his_own_words_only() -> None:
    history = History("")
    history.caller_said(1, "Where is")
    history.tool_called([ToolCall("c1", "find", "{}")], ["nothing"])
    history.caller_said(1, "Where is order seven?")
    assert roles(history) == [("user", "Where is order seven?"), ("assistant", ""), ("tool", "nothing")]


def test_words_after_a_tool_are_a_message_of_their_own() -> None:
    history = History("")
    history.tool_called([ToolCall("c1", "find", "{}")], ["found"])
    history.bot_said("Found it.")
    assert roles(history)[-1] == ("assistant", "Found it.")
    assert len(history.messages) == 3


def test_the_transcript_names_both_sides_and_leaves_out_the_rest() -> None:
    history = History("Be brief.")
    history.bot_said("Hello.")
    history.caller_said(1, "Hi.")
    history.tool_called([ToolCall("c1", "find", "{}")], ["found"])
    assert history.transcript() == [("bot", "Hello."), ("caller", "Hi.")]


def test_what_the_caller_may_have_said_is_not_yet_history() -> None:
    history = History("Be brief.")
    assert [message.text for message in history.supposing(1, "Hello")] == ["Be brief.", "Hello"]
    assert roles(history) == [("system", "Be brief.")]


def test_an_answer_that_broke_into_a_turn_is_forgotten() -> None:
    history = History("")
    history.caller_went_on(1, "I would like")
    history.bot_said("Sure", complete=False)
    assert history.supposing(1, "I would like a pizza") == [Message("user", "I would like a pizza")]
    history.caller_went_on(1, "I would like a pizza")
    assert roles(history) == [("user", "I would like a pizza")]
    history.caller_went_on(2, "And a drink")
    assert roles(history)[-1] == ("user", "And a drink")


def test_what_tools_did_is_not_forgotten() -> None:
    history = History("")
    history.caller_went_on(1, "Where is")
    history.tool_called([ToolCall("c1", "find", "{}")], ["nothing"])
    history.caller_went_on(1, "Where is order seven?")
    assert roles(history) == [("user", "Where is order seven?"), ("assistant", ""), ("tool", "nothing")]


# -- a long conversation -----------------------------------------------------------------------------------------


def test_the_oldest_turns_are_forgotten_whole_and_some_more_of_them_than_must_be() -> None:
    history = History("Be brief.", 100)
    for turn in range(1, 11):
        history.caller_said(turn, f"Question {turn:2}")
        history.bot_said(f"Answer {turn:2}.")
    kept = roles(history)
    assert kept[:2] == [("system", "Be brief."), ("user", "Question  7")]
    assert kept[-1] == ("assistant", "Answer 10.")
    assert history.transcript()[0] == ("caller", "Question  7")


def test_nothing_is_forgotten_of_what_has_room() -> None:
    history, bounded = History(""), History("", 44)
    for each in (history, bounded):
        each.caller_said(1, "Question 1.")
        each.bot_said("Answer one.")
        each.caller_said(2, "Question 2.")
        each.bot_said("Answer two.")
    assert roles(history) == roles(bounded)


def test_a_turn_that_was_forgotten_does_not_come_back() -> None:
    history = History("", 40)
    for turn in (1, 2, 3):
        history.caller_said(turn, f"This is question {turn}")
    history.caller_said(1, "This is what I had asked")
    history.caller_said(3, "This is question three")
    assert roles(history) == [("user", "This is question three")]


def test_a_turn_too_long_by_itself_loses_its_beginning() -> None:
    history = History("", 20)
    for _ in range(5):
        history.bot_said("one two three four")
    assert roles(history) == [("assistant", INTERRUPTED + "r one two three four")]


def test_a_result_of_a_tool_stays_with_its_call() -> None:
    history = History("", 50)
    history.caller_said(1, "Where is order seven?")
    history.tool_called([ToolCall("c1", "find", '{"order": 7}')], ["x" * 60])
    assert [role for role, _ in roles(history)] == ["user", "assistant", "tool"]
    history.caller_said(2, "Well?")
    assert roles(history) == [("user", "Well?")]


_SAID = st.text("abc ", min_size=1, max_size=30)
_DEEDS = st.one_of(
    st.tuples(st.just("caller"), _SAID),
    st.tuples(st.just("went on"), _SAID),
    st.tuples(st.just("bot"), _SAID),
    st.tuples(st.just("tool"), _SAID),
)


@given(most=st.integers(60, 200), deeds=st.lists(_DEEDS, max_size=40))
def test_what_is_kept_is_the_end_of_what_there_was(most: int, deeds: list[tuple[str, str]]) -> None:
    whole, bounded, turn = History("Be brief."), History("Be brief.", most), 0
    for kind, text in deeds:
        turn += kind == "caller"
        for history in (whole, bounded):
            if kind == "bot":
                history.bot_said(text)
            elif kind == "tool":
                history.tool_called([ToolCall("c1", "find", "{}")], [text])
            elif kind == "caller":
                history.caller_said(turn, text)
            else:
                history.caller_went_on(turn, text)
    kept, last = list(bounded.messages[1:]), list(whole.messages[1:])
    assert bounded.messages[0] == whole.messages[0]
    assert len(kept) <= len(last)
    ends = list(zip(reversed(kept), reversed(last), strict=False))
    assert all(one == other or one.text.startswith(INTERRUPTED) for one, other in ends)
    turns = sum(message.role == "user" for message in kept)
    assert turns <= 1 or sum(len(each.text) + 2 * len(each.tool_calls) for each in kept) <= most
    if len(kept) < len(last):
        assert kept[0].role == "user"


def test_a_long_call_is_shown_in_part_and_recorded_whole() -> None:
    seen: list[int] = []

    class Counting(ScriptedLlm):
        def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
            seen.append(sum(len(message.text) for message in messages if message.role != "system"))
            return super().reply(messages, tools)

    async def talk(stage: Stage) -> None:
        for _ in range(6):
            await stage.be_quiet(1.0)
            await stage.speak()
            await stage.be_quiet(4.0)
        stage.hang_up()

    llm = Counting(ScriptedLlm.Options(replies=("This is so much of an answer.",)))
    stage = perform(talk, agent_options(history_chars=90), llm=llm)
    assert len(stage.watch.traces) == 6
    assert max(seen) <= 90 + len("Hello.")
    assert len([side for side, _ in stage.watch.words if side == "caller"]) == 6
    assert len([side for side, _ in stage.watch.words if side == "bot"]) == 6


def test_less_than_nothing_cannot_be_kept() -> None:
    with pytest.raises(ConfigError, match="history_chars"):
        agent_options(history_chars=-1)
