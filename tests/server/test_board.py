from __future__ import annotations

from mediasrv.call.link import CallDetails
from mediasrv.server.board import Board


def test_calls_are_on_the_board_from_their_beginning_to_their_end() -> None:
    board, details = Board(), CallDetails("plivo", "+911")
    board.began("call-1", "stream-1", "default", details)
    board.began("call-2", "stream-2", "sales", details)
    assert [(entry.id, entry.agent, entry.details) for entry in board.entries.values()] == [
        ("call-1", "default", details),
        ("call-2", "sales", details),
    ]
    board.ended("call-1", "caller hung up")
    board.ended("call-1", "again")
    assert list(board.entries) == ["call-2"]
