from collections.abc import Callable

import pytest

from serving.administration import Administration, previous
from serving.answer import ModelStatus
from serving.errors import NotReadyError, UnknownModelError
from tests.serving.rig import Service, Shop


@pytest.fixture
def both(shop: Shop, service: Service) -> tuple[Service, Administration]:
    shop.publish(version="1.0", file="one")
    shop.publish(version="1.10", file="ten")
    service.step()
    return service, Administration(service.lifecycle)


def test_rollback_goes_to_the_next_lower_version_and_back(both: tuple[Service, Administration]) -> None:
    service, admin = both
    assert service.ask().version == "1.10"
    assert admin.rollback("digits") == "1.0"
    service.step()
    assert service.ask().version == "1.0"
    with pytest.raises(UnknownModelError, match="no earlier version of digits"):
        admin.rollback("digits")
    admin.unpin("digits")
    service.step()
    assert service.ask().version == "1.10"


def test_a_pin_holds_against_a_higher_version(both: tuple[Service, Administration], shop: Shop) -> None:
    service, admin = both
    admin.pin("digits", "1.0.0")
    service.step()
    shop.publish(version="2.0", file="two")
    service.step()
    assert service.ask().version == "1.0"


def test_unload_takes_the_last_one_too_and_load_brings_it_back(both: tuple[Service, Administration]) -> None:
    service, admin = both
    admin.unload("digits")
    service.step()
    assert "unloaded by an operator" in service.reason("digits 1.0")
    with pytest.raises(NotReadyError):
        service.ask()
    assert not service.plane.ready()
    admin.load("digits")
    service.step()
    assert service.ask().version == "1.10"


def test_other_models_are_left_alone(both: tuple[Service, Administration], shop: Shop) -> None:
    service, admin = both
    shop.publish("letters", size=(9, 4))
    service.step()
    admin.unload("digits")
    service.step()
    assert service.ask(size=(9, 4)).model == "letters"


def test_what_is_not_there_is_said(both: tuple[Service, Administration]) -> None:
    _, admin = both
    actions: list[Callable[[], object]] = [
        lambda: admin.load("no"),
        lambda: admin.unload("no"),
        lambda: admin.unpin("no"),
        lambda: admin.rollback("no"),
        lambda: admin.pin("no", "1.0"),
    ]
    for action in actions:
        with pytest.raises(UnknownModelError, match="there is no model 'no'"):
            action()
    for version in ("3.0", "latest"):
        with pytest.raises(UnknownModelError, match=r"no version .* there are: 1\.0, 1\.10"):
            admin.pin("digits", version)


def test_a_rejected_version_is_nothing_to_go_back_to(both: tuple[Service, Administration], shop: Shop) -> None:
    service, admin = both
    shop.publish(version="1.5", file="five", bad=True)
    service.step()
    with pytest.raises(UnknownModelError):
        admin.pin("digits", "2.0")
    admin.pin("digits", "1.5")  # not tried yet, since 1.10 is higher
    service.step()
    assert service.ask().version == "1.10"  # it turned out bad
    with pytest.raises(UnknownModelError, match=r"no version 1\.5"):
        admin.pin("digits", "1.5")
    assert admin.rollback("digits") == "1.0"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"1.0": "discovered", "1.9": "standby", "1.10": "active"}, "1.9"),
        ({"1.0": "discovered", "1.9": "failed", "1.10": "active"}, "1.0"),
        ({"1.0": "active", "1.9": "standby"}, None),
        ({"1.0": "standby"}, None),
        ({"": "rejected", "1.0": "active"}, None),
    ],
)
def test_previous(states: dict[str, str], expected: str | None) -> None:
    assert previous([ModelStatus("m", version, state) for version, state in states.items()]) == expected
