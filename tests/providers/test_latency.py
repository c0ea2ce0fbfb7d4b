import random

from mediasrv.providers.latency import LEAST, WINDOW, Latency


def learned(*took_s: float, lowest_s: float = 0.1, highest_s: float = 9.0) -> Latency:
    latency = Latency(lowest_s, highest_s)
    for each in took_s:
        latency.note(each)
    return latency


def test_without_experience_the_deadline_is_the_longest() -> None:
    assert learned().deadline_s == 9.0
    assert learned(*[0.5] * (LEAST - 1)).deadline_s == 9.0


def test_eight_in_nine_answers_come_before_the_deadline() -> None:
    took = [at / 100 for at in range(1, 101)]
    random.Random(7).shuffle(took)
    assert learned(*took).deadline_s == 0.9


def test_the_deadline_stays_between_its_bounds() -> None:
    assert learned(*[0.01] * 20, lowest_s=0.4).deadline_s == 0.4
    assert learned(*[60.0] * 20, highest_s=2.5).deadline_s == 2.5


def test_old_answers_are_forgotten() -> None:
    assert learned(*[5.0] * WINDOW, *[0.5] * WINDOW).deadline_s == 0.5
