from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from mediasrv.call.effort import Work
from mediasrv.server.figures import summed
from mediasrv.server.metrics import Metrics


def samples(text: str) -> dict[str, float]:
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def worker(calls: int, level: int) -> str:
    metrics = Metrics()
    for _ in range(calls):
        metrics.call_started()
        metrics.loop_lagged(0.003)
        metrics.call_ended("caller hung up")
    metrics.left_out(Work.HEDGE.value)
    metrics.load_level(level)
    return metrics.render().decode()


def test_counters_histograms_and_counts_add_and_the_worst_level_counts() -> None:
    one, other = worker(2, 3), worker(3, 1)
    found, first, second = samples(summed([one, other])), samples(one), samples(other)
    assert found["mediasrv_live_calls[]"] == 5
    assert found["mediasrv_calls_total[('cause', 'caller hung up')]"] == 5
    assert found["mediasrv_loop_lag_seconds_bucket[('le', '0.005')]"] == 5
    assert found["mediasrv_loop_lag_seconds_count[]"] == 5
    assert found["mediasrv_load_level[]"] == 3
    created = "mediasrv_loop_lag_seconds_created[]"
    assert found[created] == min(first[created], second[created])
    assert found["process_start_time_seconds[]"] == first["process_start_time_seconds[]"]
    assert found.keys() == first.keys() | second.keys()


def test_one_text_stays_what_it_is() -> None:
    assert samples(summed([worker(2, 0)])).keys() == samples(worker(2, 0)).keys()
    assert [line for line in summed([worker(1, 0)]).splitlines() if line.startswith("#")] == [
        line for line in worker(1, 0).splitlines() if line.startswith("#")
    ]


def test_of_who_is_gone_the_counters_stay_and_nothing_else() -> None:
    found = samples(summed([worker(1, 0)], gone=[worker(2, 3)]))
    assert found["mediasrv_live_calls[]"] == 1
    assert found["mediasrv_load_level[]"] == 0
    assert found["mediasrv_calls_total[('cause', 'caller hung up')]"] == 3
    assert found["mediasrv_loop_lag_seconds_count[]"] == 3


def test_nothing_sums_to_nothing() -> None:
    assert samples(summed([])) == {}
