"""What serves goes on serving: when its files are moved, damaged or replaced, and while it is replaced itself."""

from typing import Any

import pytest

from serving.admission import target_of
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop


def test_a_renamed_model_is_held_at_its_new_place(service: Service, shop: Shop) -> None:
    shop.publish(file="digits_1.0")
    service.step()
    (shop.model / "digits_1.0.yaml").rename(shop.model / "digits.yaml")
    service.step()
    (shop.model / "digits.yaml").write_text("Schema: 2\n")
    service.step()
    assert service.states() == {"digits 1.0": "active", "digits": "rejected"}
    assert service.plane.ready()


def test_damage_to_what_serves_is_told_and_forgotten_when_it_is_mended(
    service: Service, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.publish()
    service.step()
    graph = shop.graph / "digits.pb"
    content = graph.read_bytes()
    for damage in (lambda: graph.write_bytes(b"junk"), graph.unlink):
        caplog.clear()
        damage()
        service.step()
        assert service.states() == {"digits 1.0": "active"}
        assert "could not be loaded again: digits.pb" in service.reason("digits 1.0")
        assert caplog.text.count("digits 1.0 stays active, but could not be loaded again: digits.pb") == 1
        graph.write_bytes(content)
        service.step()
        assert service.reason("digits 1.0") == "no other version of it serves"


def test_a_successor_under_another_name_is_waited_for(service: Service, shop: Shop, engine: FakeEngine) -> None:
    shop.publish(version="1.0", file="old")
    service.step()
    shop.remove("old")
    engine.troubles = 3
    shop.publish(version="2.0", file="new")
    service.step(4)
    assert service.ask().version == "1.0"
    assert "its YAML was removed" in service.reason("digits 1.0")
    service.step(10)
    assert service.states() == {"digits 2.0": "active"}


def test_a_request_that_chose_a_version_just_before_it_went_is_answered_by_the_next(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(version="1.0")
    service.step()
    chosen: list[Any] = []

    def choose_and_swap(*arguments: Any) -> Any:
        target = target_of(*arguments)
        chosen.append(target[0])
        if len(chosen) == 1:
            shop.publish(version="2.0")
            service.step()
        return target

    monkeypatch.setattr("serving.dataplane.target_of", choose_and_swap)
    assert service.ask().version == "2.0"
    assert [session.version for session in chosen] == ["1.0", "2.0"]
    assert [session.leases for session in chosen] == [0, 0]
