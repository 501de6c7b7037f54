"""Where the threads of the transports run."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable

import pytest

from engine.threads import cores
from serving import affinity
from serving.decoding import MANY_PIXELS, DecodingRoom
from tests.serving.faces.conftest import FakePlane
from tests.serving.faces.plain_http import Serve, post

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no cores of their own")


@pytest.mark.parametrize(
    ("cores", "expected"),
    [([], set()), ([3], {3}), ([0, 1], {0}), ([5, 2, 4], {2}), (range(8), {0, 1, 2, 3}), ([7, 1, 9, 3], {1, 3})],
)
def test_half_of_the_cores_is_the_lower_half_and_never_none_of_some(cores: Iterable[int], expected: set[int]) -> None:
    assert affinity.half(cores) == expected


@linux
def test_requests_are_answered_on_half_of_the_cores_and_the_rest_of_the_process_runs_everywhere(
    plane: FakePlane, serve_http: Serve, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere = os.sched_getaffinity(0)
    seen = []
    recognize = plane.recognize

    def look(*pictures: object, **more: object) -> object:
        seen.append(os.sched_getaffinity(0))
        return recognize(*pictures, **more)  # type: ignore[arg-type]  # whatever it was called with

    monkeypatch.setattr(plane, "recognize", look)
    assert post(serve_http(), picture()).status_code == 200
    assert seen == [affinity.half(everywhere)]
    loops = [thread for thread in threading.enumerate() if thread.name == "http"]
    assert [os.sched_getaffinity(loop.native_id or 0) for loop in loops] == [affinity.half(everywhere)]
    assert os.sched_getaffinity(0) == everywhere


@linux
def test_many_pixels_are_decoded_on_all_cores_whoever_asks_for_it() -> None:
    everywhere = os.sched_getaffinity(0)
    seen = []

    def ask() -> None:
        affinity.stay_aside()
        room = DecodingRoom()
        for pixels in (MANY_PIXELS, MANY_PIXELS + 1):
            room.run(lambda: seen.append(os.sched_getaffinity(0)), pixels, time.monotonic() + 30, "digits")

    asker = threading.Thread(target=ask)
    asker.start()
    asker.join()
    assert seen == [affinity.half(everywhere), everywhere]


@linux
def test_how_many_cores_there_are_is_the_same_for_a_thread_that_keeps_to_half_of_them() -> None:
    told = []

    def ask() -> None:
        affinity.stay_aside()
        told.append(cores())

    asker = threading.Thread(target=ask)
    asker.start()
    asker.join()
    assert told == [len(os.sched_getaffinity(0))]


@linux
def test_a_sandbox_that_allows_no_change_serves_without(
    serve_http: Serve, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    def refuse(_who: int, wanted: object) -> None:
        refused.append(wanted)
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    assert post(serve_http(), picture()).status_code == 200
    assert set(refused) == {affinity.half(os.sched_getaffinity(0))}


def test_a_system_whose_threads_have_no_cores_of_their_own_serves_without(
    serve_http: Serve, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    assert post(serve_http(), picture()).status_code == 200
