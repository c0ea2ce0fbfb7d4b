"""A server that calls out, and the stand-in of its carrier in one process: what reaches the agent, and the operator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mediasrv.carriers.base import Carrier, Control
from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo_rest import PlivoControl
from mediasrv.outbound.dialer import Dialer
from mediasrv.outbound.ledger import SCHEMA
from mediasrv.outbound.options import ComplianceOptions, OutboundOptions
from mediasrv.outbound.order import Standing, State
from mediasrv.outbound.outbound import Outbound
from mediasrv.outbound.request import DialRefused, DialRequest
from mediasrv.records.options import RecordsOptions
from mediasrv.records.records import Records
from mediasrv.server.metrics import Metrics
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.turn.callee import Kind
from native_bench.standins.plivo import ACCOUNT, TOKEN, PlivoStandin
from native_bench.standins.plivo_leg import Subscriber
from tests.outbound.support import LANDLINE, LENIENT, MOBILE
from tests.patience import WAIT_S
from tests.server.stage import UNSIGNED, EchoAgency, free_port


class Whole:
    """A server, and the town that it calls."""

    def __init__(self, service: Service, agency: EchoAgency, carrier: PlivoStandin) -> None:
        self.service, self.agency, self.carrier = service, agency, carrier
        self.dialer = dialer_of(service)

    async def until(self, order_id: str, *states: State) -> Standing:
        return await until_it_stands(self.dialer, order_id, *states)


def dialer_of(service: Service) -> Dialer:
    assert service.dialer is not None
    return service.dialer


async def until_it_stands(dialer: Dialer, order_id: str, *states: State) -> Standing:
    """How an order stands, once it is one of these ways."""
    async with asyncio.timeout(WAIT_S):
        while True:
            standing = await dialer.standing(order_id)
            if standing is not None and standing.state in states:
                return standing
            await asyncio.sleep(0.02)


@asynccontextmanager
async def calling_out(
    folder: Path, control: Control, plivo: PlivoOptions = UNSIGNED, others: Sequence[Carrier] = (), **options: Any
) -> AsyncIterator[tuple[Service, EchoAgency]]:
    """A server that calls out by a carrier's API."""
    port, metrics, agency = await free_port(), Metrics(), EchoAgency()
    records = Records(folder / "records.db", RecordsOptions(), SCHEMA)
    await records.start()
    public_url = f"http://127.0.0.1:{port}"
    calling = OutboundOptions(from_number=LANDLINE, calls_per_second=50.0, carrier=control.name, **options)
    parts = (control, public_url, records.database, records.suppressions, metrics.call_forbidden)
    outbound = Outbound(calling, ComplianceOptions(**LENIENT), *parts)
    server = ServerOptions(port=port, public_url=public_url, sheds_load=False)
    service = Service(server, plivo, agency, metrics, others, outbound=outbound)
    await service.start()
    try:
        yield service, agency
    finally:
        await service.aclose()
        await records.aclose()


@asynccontextmanager
async def whole(folder: Path, *, person: Subscriber, **options: Any) -> AsyncIterator[Whole]:
    carrier = PlivoStandin(people={MOBILE.removeprefix("+"): person})
    async with carrier as url:
        plivo = PlivoOptions(auth_id=ACCOUNT, auth_token=TOKEN, api_url=url)
        async with calling_out(folder, PlivoControl(plivo), plivo, **options) as (service, agency):
            yield Whole(service, agency, carrier)


async def test_what_is_ordered_reaches_the_agent_and_what_becomes_of_it_the_operator(tmp_path: Path) -> None:
    async with whole(tmp_path, person=Subscriber()) as stage:
        order_id = await stage.dialer.dial(DialRequest(number=MOBILE, agent="sales team", body={"name": "आशा"}))
        await stage.until(order_id, State.ANSWERED)
        async with asyncio.timeout(WAIT_S):
            while not stage.agency.calls:  # noqa: ASYNC110  # another task's work
                await asyncio.sleep(0.02)
        (call,) = stage.agency.calls
        assert call.agent == "sales team"
        assert call.details.body == {"name": "आशा"}
        assert (call.details.direction, call.details.to_number) == ("outbound", MOBILE)
        assert "sales team" in stage.agency.prepared
        call.ended.set_result("agent hung up")
        standing = await stage.until(order_id, State.ENDED)
        assert standing.calls == 1
    assert len(stage.carrier.legs) == 1
    assert stage.carrier.complaints == []


async def test_who_has_picked_up_is_told_to_the_call_and_the_operator(tmp_path: Path) -> None:
    async with whole(tmp_path, person=Subscriber(is_machine=True), detect_machine=True) as stage:
        order_id = await stage.dialer.dial(DialRequest(number=MOBILE))
        await stage.until(order_id, State.ANSWERED)
        async with asyncio.timeout(WAIT_S):
            while not (stage.agency.calls and stage.agency.calls[0].callees):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert stage.agency.calls[0].callees == [Kind.MACHINE]
        stage.agency.calls[0].ended.set_result("answering machine")
        assert (await stage.until(order_id, State.ENDED)).machine is True


async def test_a_refusal_is_counted_by_its_rule(tmp_path: Path) -> None:
    async with whole(tmp_path, person=Subscriber()) as stage:
        with pytest.raises(DialRefused):
            await stage.dialer.dial(DialRequest(number=MOBILE, purpose="promotional"))
        figures = stage.service.metrics.render().decode()
    assert 'mediasrv_compliance_refusals_total{rule="number series"} 1.0' in figures
