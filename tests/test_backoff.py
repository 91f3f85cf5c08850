from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seeder.backoff import FIRST, LONGEST, Backoff


def test_delays_double_up_to_the_longest() -> None:
    backoff = Backoff(lambda: 0.0)
    assert [backoff.failed() for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]


def test_success_starts_over() -> None:
    backoff = Backoff(lambda: 0.0)
    backoff.failed()
    backoff.failed()
    backoff.succeeded()
    assert backoff.failed() == FIRST


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 3000))
def test_jitter_shortens_by_at_most_half(dice: float, failures: int) -> None:
    backoff = Backoff(lambda: dice)
    delay = [backoff.failed() for _ in range(failures)][-1]
    assert FIRST / 2 <= delay <= LONGEST
