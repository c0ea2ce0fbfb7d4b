from mediasrv.call.history import INTERRUPTED, History
from mediasrv.providers.base import Message, ToolCall


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
