"""The carrier records a call when an operator asks for it, and tells when the recording is ready."""

from __future__ import annotations

from pathlib import Path

from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo_rest import PlivoControl
from native_bench.standins.plivo import ACCOUNT, TOKEN, PlivoStandin
from tests.patience import until
from tests.server.api.stage import CALLER, serving
from tests.server.stage import free_port


async def test_a_recording_of_the_carriers_goes_from_the_question_to_the_record(tmp_path: Path) -> None:
    standin, port = PlivoStandin(), await free_port()
    origin = f"http://127.0.0.1:{port}"
    async with standin as url:
        plivo = PlivoOptions(auth_id=ACCOUNT, auth_token=TOKEN, api_url=url)
        control = PlivoControl(plivo)
        controls = {"plivo": control}
        async with serving(tmp_path, port=port, plivo=plivo, controls=controls, public_url=origin) as stage:
            answer, status_url = f"{origin}/plivo/answer", f"{origin}/plivo/callback/status"
            leg = standin.call_in("912266001234", CALLER[1:], answer_url=answer, hangup_url=status_url)
            await until(lambda: leg.call_id in stage.board.entries)
            status, told = await stage.answer("POST", f"/calls/{leg.call_id}/record", {"by": "carrier"})
            assert (status, leg.deeds[-1]) == (202, "Record 14400")
            assert await stage.answer("POST", f"/calls/{leg.call_id}/record", {"by": "carrier"}) == (202, told)
            await stage.answer("DELETE", f"/calls/{leg.call_id}")
            await standin.settle(leg)
            await stage.is_over(leg.call_id)
            _, call = await stage.answer("GET", f"/calls/{leg.call_id}")
        await control.aclose()
    (recording,) = call["recordings"]
    assert told["recording"] in recording["place"]
    assert (recording["maker"], recording["duration_ms"]) == ("carrier", 1000)
    assert {path: status for path, _, status in standin.callbacks.told}["/plivo/callback/details"] == 200
    assert standin.complaints == []
