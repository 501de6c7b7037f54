import re

import pytest

from serving.metrics import Metrics
from tests.serving.fake_engine import FakeEngine
from tests.serving.rig import Service, Shop


class Reading:
    """What Prometheus would read."""

    def __init__(self, metrics: Metrics) -> None:
        self.text = metrics.text().decode()

    def value(self, name: str, **labels: str) -> float | None:
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in self.text.splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and found[1] == name and wanted <= set((found[2] or "").split(",")):
                return float(found[3])
        return None


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def metered(shop: Shop, engine: FakeEngine, metrics: Metrics) -> Service:
    from serving.daemon import assemble  # noqa: PLC0415
    from tests.serving.rig import settings  # noqa: PLC0415

    service = Service(shop, engine)
    service.plane, service.lifecycle = assemble(settings(shop), engine, service.clock, metrics)
    metrics.watch(service.plane)
    return service


def test_the_life_of_a_model_is_seen(shop: Shop, metered: Service, metrics: Metrics) -> None:
    assert Reading(metrics).value("cps_ready") == 0
    shop.publish(version="1.0")
    metered.step()
    for gray in range(3):
        metered.ask(gray)
    shop.publish(version="2.0")
    shop.publish("bad", bad=True)
    metered.step()
    seen = Reading(metrics)
    old, new = {"model": "digits", "version": "1.0"}, {"model": "digits", "version": "2.0"}
    assert seen.value("cps_ready") == 1
    assert seen.value("cps_pictures_total", **old) == 3
    assert seen.value("cps_batch_pictures_count", **old) == 3
    assert seen.value("cps_queue_seconds_count", **old) == 3
    assert seen.value("cps_run_seconds_count", **old) == 3
    assert seen.value("cps_transitions_total", state="active", **new) == 1
    assert seen.value("cps_transitions_total", state="rejected", model="bad") == 1
    assert seen.value("cps_model_state", state="active", **new) == 1
    assert seen.value("cps_model_state", state="active", **old) is None
    assert seen.value("cps_model_state", state="rejected", model="bad") == 1
    assert seen.value("cps_queue_depth", **new) == 0
    assert seen.value("cps_leases", **new) == 0
    metered.lifecycle.stop(5)


def test_a_folder_that_cannot_be_read_is_seen(shop: Shop, metered: Service, metrics: Metrics) -> None:
    shop.publish()
    metered.step()
    assert Reading(metrics).value("cps_degraded") == 0
    shop.model.rename(shop.model.with_name("away"))
    metered.step()
    assert (Reading(metrics).value("cps_degraded"), Reading(metrics).value("cps_ready")) == (1, 1)
    metered.lifecycle.stop(5)


def test_what_is_gone_is_forgotten_after_a_while(shop: Shop, metered: Service, metrics: Metrics) -> None:
    for number in range(40):
        shop.publish(version=f"1.{number}")
        (shop.model / f"junk{number}.yaml").write_text("Schema: 2")
        metered.step(2)
        (shop.model / f"junk{number}.yaml").unlink()
        metered.ask()
    seen = Reading(metrics)
    assert seen.value("cps_pictures_total", version="1.39") == 1
    assert seen.value("cps_transitions_total", version="1.38", state="active") == 1
    old = [line for line in seen.text.splitlines() if re.search(r'version="1\.[0-9]"|"junk\d"', line)]
    assert old == []
    metered.lifecycle.stop(5)


def test_requests_are_counted_by_route_and_status(metrics: Metrics) -> None:
    for status in ("200", "200", "503"):
        metrics.request("http", "/captcha/v1", status, 0.003)
    metrics.turned_away("http")
    seen = Reading(metrics)
    assert seen.value("cps_requests_total", protocol="http", route="/captcha/v1", status="200") == 2
    assert seen.value("cps_requests_total", status="503") == 1
    assert seen.value("cps_request_seconds_bucket", route="/captcha/v1", le="0.004") == 3
    assert seen.value("cps_request_seconds_bucket", route="/captcha/v1", le="0.002") == 0
    assert seen.value("cps_turned_away_total", protocol="http") == 1
