from __future__ import annotations

import pytest

from mediasrv.errors import RemoteProtocolError
from mediasrv.server.complaints import QUIET_S, Complaints
from mediasrv.server.metrics import Metrics
from mediasrv.wire.protocol import UnsupportedFormatError
from tests.clock import Clock


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def complaints(metrics: Metrics, clock: Clock) -> Complaints:
    return Complaints(metrics, clock)


def test_each_kind_is_logged_once_in_a_while_and_always_counted(
    complaints: Complaints, metrics: Metrics, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        complaints.broke_protocol(RemoteProtocolError("the payload is empty"), "call-1")
    complaints.broke_protocol(RemoteProtocolError("start came twice"), "call-1")
    assert [record.getMessage() for record in caplog.records] == [
        "carrier broke its protocol: the payload is empty",
        "carrier broke its protocol: start came twice",
    ]
    clock.now += QUIET_S
    complaints.broke_protocol(RemoteProtocolError("the payload is empty"), "call-2")
    assert caplog.records[-1].__dict__["unlogged"] == 2
    assert caplog.records[-1].__dict__["call"] == "call-2"
    assert b'mediasrv_remote_protocol_errors_total{kind="the payload is empty"} 4.0' in metrics.render()


def test_formats_are_one_kind_whatever_their_numbers(complaints: Complaints, metrics: Metrics) -> None:
    for rate in (1, 2, 3):
        complaints.broke_protocol(UnsupportedFormatError(f"audio/x-l16;rate={rate} is not spoken here"), "")
    assert b'mediasrv_remote_protocol_errors_total{kind="unsupported format"} 3.0' in metrics.render()


def test_refusals_are_counted_by_reason(complaints: Complaints, metrics: Metrics) -> None:
    complaints.refused("full", "call-1")
    assert b'mediasrv_refused_total{reason="full"} 1.0' in metrics.render()


def test_endless_kinds_do_not_fill_the_memory(complaints: Complaints) -> None:
    for number in range(1000):
        complaints.refused(f"reason {number}")
    assert len(complaints._quiet_until_s) <= 256
