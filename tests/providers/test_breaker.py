from mediasrv.providers.breaker import FAILURES_TO_OPEN, FIRST_REST_S, LONGEST_REST_S, Breaker


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed(now)
    return breaker


def test_a_failure_now_and_then_changes_nothing() -> None:
    breaker = Breaker()
    for now in range(20):
        for _ in range(FAILURES_TO_OPEN - 1):
            breaker.failed(float(now))
        breaker.succeeded()
    assert breaker.allows(20.0)


def test_failures_in_a_row_open_it_for_a_rest() -> None:
    breaker = opened()
    assert not breaker.allows(FIRST_REST_S - 0.01)
    assert breaker.allows(FIRST_REST_S)


def test_a_success_after_the_rest_closes_it() -> None:
    breaker = opened()
    breaker.succeeded()
    breaker.failed(FIRST_REST_S)
    assert breaker.allows(FIRST_REST_S)


def test_each_rest_is_twice_the_last_up_to_a_limit() -> None:
    breaker, now, rests = opened(), FIRST_REST_S, []
    for _ in range(6):
        breaker.failed(now)
        rest_s = next(rest for rest in range(1, 1000) if breaker.allows(now + rest))
        rests.append(rest_s)
        now += rest_s
    assert rests[:2] == [2 * FIRST_REST_S, 4 * FIRST_REST_S]
    assert rests[-1] == LONGEST_REST_S


def test_failures_that_were_under_way_do_not_lengthen_the_rest() -> None:
    breaker = opened()
    breaker.failed(1.0)
    assert breaker.allows(FIRST_REST_S)


def test_how_soon_and_for_how_long_may_be_set() -> None:
    breaker = Breaker(1, 2.0, 3.0)
    breaker.failed(0.0)
    assert not breaker.allows(1.9)
    breaker.failed(2.0)
    assert not breaker.allows(4.9)
    assert breaker.allows(5.0)
