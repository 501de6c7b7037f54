"""The loader lets requests go first, and only them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.courtesy import PAUSE_SECONDS, Courtesy
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop, eventually


@pytest.mark.parametrize(
    ("in_hand", "ended", "slept"), [(True, False, [PAUSE_SECONDS]), (False, False, []), (True, True, [])]
)
def test_it_pauses_while_requests_are_in_hand_and_the_service_runs(
    in_hand: bool, ended: bool, slept: list[float]
) -> None:
    found: list[float] = []
    pause = Courtesy(lambda: in_hand, found.append)
    if ended:
        pause.end()
    pause()
    assert found == slept


def test_a_load_pauses_for_a_request_that_is_in_hand(
    service_for: Callable[..., Service], shop: Shop, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("serving.lifecycle.Courtesy", lambda in_hand: Courtesy(in_hand, slept.append))
    service = service_for()
    shop.publish()
    service.step()
    assert slept == []  # nobody asks for anything
    engine.reader("digits1.0").orders["gate"] = True
    with ThreadPoolExecutor(1) as crowd:
        asked = crowd.submit(service.ask)
        eventually(lambda: engine.reader("digits1.0").running == 1)
        shop.publish(version="2.0")
        service.step()
        assert service.states()["digits 2.0"] == "active"
        assert slept == [PAUSE_SECONDS]  # within the load: the fake has one pause
        engine.gate.set()
        assert asked.result(10).version == "1.0"
