import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.security import quota
from serving.security.quota import Bucket, QuotaRule, Quotas, take
from tests.serving.rig import Clock

RULE = QuotaRule(PerSecond=2.0, Burst=3)


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    quotas = Quotas(clock)
    assert [quotas.wait("a", RULE) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
    assert quotas.wait("b", RULE) == 0  # another caller has its own
    clock.now += 0.5
    assert quotas.wait("a", RULE) == 0
    assert quotas.wait("a", RULE) == pytest.approx(0.5)


def test_asking_while_refused_costs_nothing() -> None:
    clock = Clock()
    quotas = Quotas(clock)
    for _ in range(50):
        quotas.wait("a", RULE)
    clock.now += 0.5
    assert quotas.wait("a", RULE) == 0


@given(st.lists(st.floats(0, 5), max_size=60), st.floats(0.1, 100), st.integers(1, 20))
def test_never_more_than_burst_and_rate(pauses: list[float], rate: float, burst: int) -> None:
    rule = QuotaRule(PerSecond=rate, Burst=burst)
    bucket, now, passed = Bucket(burst, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        bucket, seconds = take(bucket, rule, now)
        passed += seconds == 0
        if seconds:
            assert take(bucket, rule, now + seconds * 1.001)[1] == 0  # what was promised is kept
    assert passed <= burst + now * rate + 1e-6


def test_a_clock_that_goes_back_adds_nothing() -> None:
    bucket, seconds = take(Bucket(0.0, 100.0), RULE, 50.0)
    assert (bucket.tokens, seconds) == (0.0, 0.5)


def test_the_table_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "CALLERS", 2)
    quotas = Quotas(Clock())
    slow = QuotaRule(PerSecond=1.0, Burst=1)
    assert [quotas.wait(name, slow) for name in "abc"] == [0, 0, 0]
    assert quotas.wait("c", slow) > 0
    assert quotas.wait("a", slow) == 0  # was forgotten
