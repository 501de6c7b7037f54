from pathlib import Path

from serving.attempts import Attempts
from serving.repository import Candidate
from serving.states import State
from tests.serving.rig import Clock

MANY = 1500


def found(number: int) -> Candidate:
    return Candidate(f"key{number}", "a", Path(f"{number}.yaml"), State.DISCOVERED, "")


def rejected(attempts: Attempts) -> int:
    return sum(attempts.judge(found(number)).stage is State.REJECTED for number in range(MANY))


def test_what_lies_on_disk_is_never_tried_again_however_much_it_is() -> None:
    attempts = Attempts(Clock())
    for number in range(MANY):
        attempts.reject(f"key{number}", "no good")
    attempts.forget(keep={f"key{number}" for number in range(MANY)})
    assert rejected(attempts) == MANY


def test_only_a_retry_that_is_still_to_come_shortens_the_pause() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    attempts.fail("key0", "busy")
    failed_at = clock.now
    assert attempts.pause(failed_at) == 1
    clock.now += 60
    assert attempts.pause(failed_at) == -59  # it has become due since
    assert attempts.pause(clock.now) == float("inf")  # a look at it came to nothing


def test_however_often_it_fails_it_is_tried_again_in_a_minute() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(2000):
        attempts.fail("key0", "busy")
    assert attempts.count("key0") == 2000
    assert attempts.pause(clock.now) == 60


def test_of_what_has_gone_the_latest_is_remembered() -> None:
    attempts = Attempts(Clock())
    for number in range(MANY):
        attempts.reject(f"key{number}", "no good")
    attempts.forget(keep={"key0"})
    assert attempts.judge(found(0)).stage is State.REJECTED
    assert attempts.judge(found(1)).stage is State.DISCOVERED
    assert attempts.judge(found(MANY - 1)).stage is State.REJECTED
    assert rejected(attempts) < MANY
