from __future__ import annotations

from mediasrv.server.admission import DRAIN_RESERVATION_S, RESERVATION_S, Admission


def test_slots_are_counted_whether_reserved_or_taken() -> None:
    admission = Admission(2)
    assert admission.reserve("a", "", "", 0.0)
    slot = admission.enter("", 0.0)
    assert slot is not None
    assert admission.refusal(0.0) == "full"
    assert not admission.reserve("b", "", "", 0.0)
    assert admission.enter("b", 0.0) is None
    admission.leave(slot, 0.0)
    assert admission.refusal(0.0) == ""


def test_a_reserved_call_comes_in_though_the_house_is_full() -> None:
    admission = Admission(1)
    admission.reserve("a", "+911", "+912", 0.0)
    assert admission.enter("b", 1.0) is None
    slot = admission.enter("a", 1.0)
    assert slot is not None
    assert (slot.from_number, slot.to_number) == ("+911", "+912")
    assert admission.occupied(1.0) == 1


def test_asking_twice_keeps_one_slot_and_the_newer_numbers() -> None:
    admission = Admission(1)
    assert admission.reserve("a", "+911", "", 0.0)
    assert admission.reserve("a", "+913", "", 1.0)
    slot = admission.enter("a", 2.0)
    assert slot is not None
    assert slot.from_number == "+913"


def test_a_call_that_never_comes_frees_its_slot() -> None:
    admission = Admission(1)
    admission.reserve("a", "", "", 0.0)
    assert admission.refusal(RESERVATION_S - 0.1) == "full"
    assert admission.refusal(RESERVATION_S) == ""
    slot = admission.enter("a", RESERVATION_S)
    assert slot is not None
    assert slot.call_id == ""


def test_a_call_that_ended_before_its_stream_frees_its_slot() -> None:
    admission = Admission(1)
    admission.reserve("a", "", "", 0.0)
    admission.withdraw("a")
    admission.withdraw("nobody")
    assert admission.refusal(0.0) == ""


def test_a_socket_without_a_name_finds_its_reservation_when_it_tells() -> None:
    admission = Admission(2)
    admission.reserve("a", "+911", "+912", 0.0)
    slot = admission.enter("", 1.0)
    assert slot is not None
    admission.claim(slot, "a")
    assert (slot.call_id, slot.from_number, slot.to_number) == ("a", "+911", "+912")
    assert admission.occupied(1.0) == 1


def test_a_socket_that_turns_out_to_be_another_call_has_not_the_first_ones_numbers() -> None:
    admission = Admission(2)
    admission.reserve("a", "+911", "+912", 0.0, "outbound")
    slot = admission.enter("a", 1.0)
    assert slot is not None
    assert slot.direction == "outbound"
    admission.claim(slot, "b")
    assert (slot.call_id, slot.from_number, slot.to_number, slot.direction) == ("b", "", "", "")


def test_a_claimed_slot_keeps_its_numbers() -> None:
    admission = Admission(1)
    admission.reserve("a", "+911", "+912", 0.0)
    slot = admission.enter("a", 1.0)
    assert slot is not None
    admission.claim(slot, "a")
    assert slot.from_number == "+911"


def test_a_socket_that_came_to_nothing_leaves_its_reservation_for_the_next() -> None:
    admission = Admission(1)
    admission.reserve("a", "+911", "", 0.0)
    first = admission.enter("a", 1.0)
    assert first is not None
    admission.leave(first, 2.0)
    admission.leave(first, 2.0)
    assert admission.enter("b", 3.0) is None
    second = admission.enter("a", 3.0)
    assert second is not None
    assert second.from_number == "+911"


def test_a_call_that_ended_while_its_socket_had_not_started_keeps_no_slot() -> None:
    admission = Admission(1)
    admission.reserve("a", "", "", 0.0)
    slot = admission.enter("a", 1.0)
    assert slot is not None
    assert not admission.withdraw("a")
    assert admission.refusal(1.0) == "full"
    admission.leave(slot, 2.0)
    assert admission.refusal(2.0) == ""


def test_a_call_that_began_leaves_nothing() -> None:
    admission = Admission(1)
    admission.reserve("a", "", "", 0.0)
    slot = admission.enter("a", 1.0)
    assert slot is not None
    admission.claim(slot, "a")
    admission.leave(slot, 2.0)
    assert admission.occupied(2.0) == 0


def test_a_draining_server_lets_in_only_those_who_were_sent_and_come_soon() -> None:
    admission = Admission(9)
    admission.reserve("soon", "", "", 0.0)
    admission.reserve("late", "", "", 0.0)
    admission.drain(1.0)
    assert admission.refusal(1.0) == "draining"
    assert not admission.reserve("new", "", "", 1.0)
    assert admission.enter("new", 1.0) is None
    assert admission.enter("", 1.0) is None
    assert admission.enter("soon", 2.0) is not None
    assert admission.occupied(1.0 + DRAIN_RESERVATION_S) == 1


def test_under_strain_new_calls_are_let_in_one_at_a_time_and_those_who_were_answered_at_once() -> None:
    admission = Admission(9)
    admission.spacing_s = 0.5
    assert admission.reserve("a", "", "", 1.0)
    assert admission.refusal(1.4) == "overloaded"
    assert admission.lasting_refusal(1.4) == ""
    assert not admission.reserve("b", "", "", 1.4)
    assert admission.reserve("a", "", "", 1.4)
    assert admission.enter("a", 1.4) is not None
    assert admission.enter("", 1.9) is not None
    assert admission.enter("", 2.0) is None
    admission.spacing_s = 0.0
    assert admission.enter("", 2.0) is not None


def test_who_is_overloaded_lets_in_only_those_who_were_answered() -> None:
    admission = Admission(9)
    admission.reserve("a", "", "", 1.0)
    admission.is_overloaded = True
    assert admission.refusal(1.0) == "overloaded"
    assert admission.enter("b", 1.0) is None
    assert admission.enter("a", 1.0) is not None


def test_a_socket_that_will_tell_its_call_later_is_let_in_for_one_who_is_expected() -> None:
    admission = Admission(1)
    admission.reserve("a", "+911", "", 0.0)
    slot = admission.enter_nameless(0.0)
    assert slot is not None
    assert admission.enter_nameless(0.0) is None
    assert admission.is_expected(slot, "a")
    assert not admission.is_expected(slot, "b")
    admission.claim(slot, "a")
    assert slot.from_number == "+911"
    assert admission.occupied(0.0) == 1
    assert admission.enter_nameless(0.0) is None
    assert admission.is_expected(slot, "b")


def test_where_there_is_room_it_may_be_anybody() -> None:
    admission = Admission(1)
    slot = admission.enter_nameless(0.0)
    assert slot is not None
    assert admission.is_expected(slot, "b")
    assert admission.enter_nameless(0.0) is None


def test_a_borrowed_place_is_free_again_when_its_socket_comes_to_nothing() -> None:
    admission = Admission(1)
    admission.reserve("a", "", "", 0.0)
    slot = admission.enter_nameless(0.0)
    assert slot is not None
    admission.leave(slot, 0.0)
    assert admission.occupied(0.0) == 1
    assert admission.enter_nameless(0.0) is not None


def test_a_call_that_another_process_answered_is_known_and_let_in() -> None:
    admission = Admission(1)
    admission.reserve("mine", "", "", 0.0)
    admission.note_elsewhere("theirs", "+911", "+912", 0.0, "inbound")
    slot = admission.enter_nameless(1.0)
    assert slot is not None
    assert admission.is_expected(slot, "theirs")
    assert not admission.is_expected(slot, "nobody's")
    admission.claim(slot, "theirs")
    assert (slot.from_number, slot.to_number, slot.direction) == ("+911", "+912", "inbound")
    assert admission.occupied(1.0) == 2


def test_what_is_expected_elsewhere_takes_no_room_and_is_forgotten() -> None:
    admission = Admission(1)
    admission.note_elsewhere("a", "", "", 0.0, "")
    admission.note_elsewhere("b", "", "", 0.0, "")
    assert admission.refusal(0.0) == ""
    admission.withdraw("b")
    admission.reserve("mine", "", "", RESERVATION_S)
    assert admission.enter_nameless(RESERVATION_S) is not None
    assert admission.enter_nameless(RESERVATION_S) is None
