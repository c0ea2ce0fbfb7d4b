"""The progress bar."""

from __future__ import annotations

import io

from mediasrv.commands.progress import Bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_over_itself_on_a_terminal() -> None:
    terminal = Terminal()
    bar = Bar(terminal)
    bar.show(1, 2, "one")
    bar.show(2, 2, "too soon")
    bar.say("line 7: no")
    bar.end()
    bar.show(2, 2, "two")
    bar.end()
    drawn = terminal.getvalue()
    assert "[###############...............] 1/2  one" in drawn
    assert "too soon" not in drawn
    assert "\r\x1b[Kline 7: no\n[###" in drawn
    assert drawn.endswith("2/2  two\n")


def test_elsewhere_it_is_a_line_now_and_then() -> None:
    log = io.StringIO()
    bar = Bar(log)
    for done in range(100):
        bar.show(done, 100, "going")
    bar.say("line 7: no")
    bar.end()
    assert log.getvalue() == f"[{'.' * 30}] 0/100  going\nline 7: no\n"
