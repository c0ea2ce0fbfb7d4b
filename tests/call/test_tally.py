from __future__ import annotations

from mediasrv.call.tally import Tally
from mediasrv.wire.events import MediaReceived
from tests.call.stage import Stage, Watch, perform


class Listening(Watch):
    """A watch that keeps tallies."""

    def tallied(self, call_id: str, tally: Tally) -> None:
        self.tallies = [*getattr(self, "tallies", []), tally]


def test_a_call_tells_at_its_end_how_its_audio_went() -> None:
    watch = Listening()

    async def act(stage: Stage) -> None:
        await stage.be_quiet(1)
        stage.call.receive(MediaReceived(bytes(160), 53))
        stage.call.receive(MediaReceived(bytes(160), 53))
        stage.hang_up()
        await stage.running

    perform(act, watch=watch)
    (tally,) = watch.tallies
    assert (tally.packets_lost, tally.packets_doubled, tally.packets_late) == (2, 1, 0)
    assert tally.underruns == tally.marks_lost == 0
    assert tally.jitter_ms >= 0
