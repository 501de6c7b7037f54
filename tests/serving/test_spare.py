"""Which runs are usual ones, and which are left to the time that nothing else wants."""

from collections.abc import Sequence

import numpy as np
import pytest

from contract.pixels import Pixels
from engine.reading import Reading
from serving.runs import Run
from serving.spare import (
    CROWD,
    CROWDED_SECONDS,
    FIRST_REST,
    FLOOD,
    LONGEST_REST,
    NOW_AND_THEN,
    PATIENCE,
    STUCK_SECONDS,
    Aside,
    Shares,
    SpareTime,
)
from serving.ticket import Item, Ticket

QUEUE = 100
PACE = 0.01  # seconds for a picture


def items(count: int) -> list[Item]:
    return [Item(Ticket(1, 1e9), 0, np.zeros((2, 3, 1), np.uint8), 0.0) for _ in range(count)]


def begun(shares: Shares, count: int, since: float = 0.0, *, aside: bool = False, left: int = 0) -> Run:
    run = Run(items(count), since, aside=aside)
    shares.begin(run)
    shares.note(left, since)
    return run


def nothing(_pixels: Pixels) -> Sequence[Reading]:
    return []


def shares_at_pace(time: SpareTime | None, runs: int = 2, model: str = "digits") -> Shares:
    shares = Shares(runs, QUEUE, Aside(nothing, time, model) if time else None)
    shares.end(begun(shares, 2, -2 * PACE), 0.0)
    return shares


def test_without_spare_time_there_are_as_many_usual_runs_as_were_asked_for() -> None:
    shares = shares_at_pace(None)
    begun(shares, 1)
    assert shares.allows(1, 0.0)
    assert not shares.allows(1, 0.0, called=1)
    begun(shares, 1)
    assert not shares.allows(1, 0.0)
    assert not shares.allows_aside(5, 0.0)


def test_the_last_run_is_left_to_spare_time_once_it_is_known_how_long_runs_take() -> None:
    shares = Shares(2, QUEUE, Aside(nothing, SpareTime(), "digits"))
    first = begun(shares, 2, 0.0)
    assert shares.allows(1, 0.0)
    assert not shares.allows_aside(2, 0.0)
    shares.end(first, 2 * PACE)
    begun(shares, 2, 1.0)
    assert not shares.allows(1, 1.0)
    assert shares.allows_aside(2, 1.0)


@pytest.mark.parametrize(
    ("usual", "waiting", "now", "expected"),
    [
        ([], 5, 0.0, False),  # for a usual run
        ([1], 0, 0.0, False),
        ([1], 1, 0.0, True),
        ([2], 1, 0.0, False),
        ([2], 2, 0.0, True),
        ([16], 2, 0.0, True),
        ([1, 2], 1, 0.0, False),
        ([16], 1, STUCK_SECONDS + 0.1, True),
    ],
)
def test_a_single_picture_waits_for_a_second_one_while_others_share_a_run(
    usual: Sequence[int], waiting: int, now: float, expected: bool
) -> None:
    shares = shares_at_pace(SpareTime(), 3)
    for count in usual:
        begun(shares, count)
    assert shares.allows_aside(waiting, now) is expected


@pytest.mark.parametrize(
    ("usual", "left", "later", "expected"),
    [
        (1, CROWD * 2 - 1, 0.0, True),  # no crowd: as many as two runs may be asked for
        (1, CROWD * 2, 0.0, False),
        (CROWD * 2 + 1, 0, 0.0, False),
        (1, CROWD * 2, CROWDED_SECONDS - 0.01, False),
        (1, CROWD * 2, CROWDED_SECONDS + 0.01, True),
    ],
)
def test_a_single_picture_waits_for_a_second_one_where_there_were_many_a_moment_ago(
    usual: int, left: int, later: float, expected: bool
) -> None:
    shares = shares_at_pace(SpareTime())
    shares.end(begun(shares, usual, left=left), PACE)
    begun(shares, 1, later)
    assert shares.allows_aside(1, later) is expected
    assert shares.allows_aside(2, later)


def test_there_is_one_run_in_spare_time_and_what_it_does_is_no_usual_run() -> None:
    shares = shares_at_pace(SpareTime())
    usual, aside = begun(shares, 1), begun(shares, 1, aside=True)
    assert not shares.allows_aside(9, 0.0)
    shares.end(usual, PACE)
    assert shares.allows(1, PACE)
    begun(shares, 1, PACE)
    shares.end(aside, 2 * PACE)
    assert shares.allows_aside(9, 2 * PACE)


def test_a_run_that_gets_no_time_is_taken_back_once_and_then_all_runs_are_usual_ones_for_a_while() -> None:
    shares = shares_at_pace(SpareTime())
    begun(shares, 1)
    aside = begun(shares, 3, aside=True)
    late = PATIENCE * 3 * PACE
    assert not shares.take_back(late - 0.001)
    assert shares.take_back(late + 0.001) == aside.items
    assert aside.lost
    assert not shares.take_back(late + 1.0)
    assert shares.allows(1, late + 0.001)
    shares.end(aside, late + 0.002)
    assert not shares.allows_aside(9, late + FIRST_REST - 0.001)
    assert shares.allows_aside(9, late + FIRST_REST + 0.002)


def test_while_a_lost_run_has_not_come_back_there_is_no_other() -> None:
    shares = shares_at_pace(SpareTime())
    begun(shares, 1)
    begun(shares, 1, aside=True)
    shares.take_back(100.0)
    later = 100.0 + 2 * LONGEST_REST
    assert shares.allows(1, later)
    assert not shares.allows_aside(9, later)


@pytest.mark.parametrize(("times", "rests"), [(1.5, False), (3.5, False), (5.0, True), (1000.0, True)])
def test_runs_that_are_slow_again_and_again_end_it_for_a_while(times: float, rests: bool) -> None:
    shares = shares_at_pace(SpareTime())
    begun(shares, 1)
    for _ in range(30):
        shares.end(begun(shares, 2, 0.0, aside=True), times * 2 * PACE)
    assert shares.allows_aside(9, times * 2 * PACE) is not rests


def test_one_slow_run_is_forgiven() -> None:
    shares = shares_at_pace(SpareTime())
    begun(shares, 1)
    shares.end(begun(shares, 2, 0.0, aside=True), 1000.0)
    assert shares.allows_aside(9, 1000.0)


def test_each_rest_soon_after_another_is_longer_up_to_a_bound_and_after_good_times_short_again() -> None:
    time, now, rests = SpareTime(), 0.0, []
    for _ in range(12):
        time.missed(now)
        until = now
        while not time.there(until, "digits"):
            until += 0.25
        rests.append(until - now)
        now = until + 0.1
    assert rests == pytest.approx([min(FIRST_REST * 2**n, LONGEST_REST) for n in range(12)])
    now += LONGEST_REST
    time.missed(now)
    assert time.there(now + FIRST_REST, "digits")


def test_what_one_model_missed_is_known_to_all_and_counts_once() -> None:
    time = SpareTime()
    time.missed(0.0)
    time.missed(0.1)
    assert not time.there(FIRST_REST - 0.01, "plates")
    assert time.there(FIRST_REST, "plates")


def test_while_a_version_is_tried_or_loaded_all_runs_are_usual_ones() -> None:
    busy = [True]
    shares = shares_at_pace(SpareTime(lambda: busy[0]))
    begun(shares, 1)
    assert shares.allows(1, 0.0)
    assert not shares.allows_aside(9, 0.0)
    busy[0] = False
    assert not shares.allows(1, 0.0)
    assert shares.allows_aside(9, 0.0)


def test_a_run_that_was_left_to_spare_time_before_a_version_is_loaded_is_taken_back_early() -> None:
    busy = [False]
    shares = shares_at_pace(SpareTime(lambda: busy[0]))
    begun(shares, 1)
    aside = begun(shares, 2, aside=True)
    assert not shares.take_back(3 * 2 * PACE)
    busy[0] = True
    assert not shares.take_back(1.4 * 2 * PACE)
    assert shares.take_back(1.6 * 2 * PACE) == aside.items


def test_beside_a_flooded_model_the_others_have_usual_runs_only() -> None:
    time = SpareTime()
    flooded, quiet = shares_at_pace(time), shares_at_pace(time, model="quiet")
    begun(flooded, 1, left=FLOOD + 1)
    begun(quiet, 1)
    assert quiet.allows(1, 0.0)
    assert not quiet.allows_aside(1, 0.0)
    assert not flooded.allows(1, 0.0)
    assert flooded.allows_aside(FLOOD + 1, 0.0)
    begun(flooded, FLOOD + 1, aside=True, left=0)
    assert quiet.allows_aside(1, 0.0)


@pytest.mark.parametrize(
    ("waiting", "others", "now", "yields"),
    [
        (QUEUE // 2 + 1, 0, 0.0, True),
        (QUEUE, QUEUE // FLOOD, 0.0, True),
        (QUEUE, QUEUE // FLOOD + 1, 0.0, False),  # the other one is flooded as well
        (QUEUE // 2, 0, 0.0, False),  # busy, but not flooded
        (QUEUE, 0, NOW_AND_THEN - 0.01, True),
        (QUEUE, 0, NOW_AND_THEN, False),  # nobody asks for the other one any more
    ],
)
def test_a_flooded_model_has_spare_time_only_while_another_one_is_asked(
    waiting: int, others: int, now: float, yields: bool
) -> None:
    time = SpareTime()
    flooded, quiet = shares_at_pace(time), shares_at_pace(time, model="quiet")
    quiet.note(others, 0.0)
    flooded.note(waiting, now)
    assert flooded.allows(waiting, now) is not yields
    assert flooded.allows_aside(waiting, now) is yields
    flooded.begin(Run(items(1), now, aside=True))
    assert not flooded.allows_aside(waiting, now)
    assert flooded.allows(waiting, now) is not yields


def test_a_flooded_model_that_gets_no_spare_time_has_usual_runs_again() -> None:
    time = SpareTime()
    flooded, quiet = shares_at_pace(time), shares_at_pace(time, model="quiet")
    quiet.note(0, 0.0)
    aside = begun(flooded, 1, aside=True, left=QUEUE)
    assert not flooded.allows(QUEUE, 0.0)
    late = PATIENCE * PACE + 0.001
    assert flooded.take_back(late) == aside.items
    assert flooded.allows(QUEUE, late)


def test_a_flooded_model_that_is_alone_has_usual_runs_also_after_a_version_before_it() -> None:
    time = SpareTime()
    before, flooded = shares_at_pace(time), shares_at_pace(time)
    before.note(0, 0.0)
    flooded.note(QUEUE, 0.0)
    assert flooded.allows(QUEUE, 0.0)
