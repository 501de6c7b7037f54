"""The metrics that Prometheus reads from `/metrics`."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from serving.answer import ModelStatus, QueueStatus

_LATENCIES = (0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)  # pictures
_GONE = 20  # versions that nothing is left of, whose last counts can still be fetched


class Observed(Protocol):
    """The data plane as the metrics see it."""

    def models(self) -> Sequence[ModelStatus]:
        """Every version that is known, with its state."""

    def queues(self) -> Sequence[QueueStatus]:
        """How busy each active version is."""

    def ready(self) -> bool:
        """Whether requests should be sent here."""

    def degraded(self) -> Sequence[str]:
        """One sentence for each folder or file that cannot be read."""


class Metrics:
    """Counts what it is told, as `metering.Meter`, and looks at the rest when it is asked.

    Attributes:
        content_type: of `text`.
    """

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)  # memory, CPU, open files; on Linux only
        self._requests = Counter(
            "cps_requests", "Requests answered", ["protocol", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "cps_request_seconds", "Time to an answer", ["protocol", "route"], buckets=_LATENCIES, registry=registry
        )
        self._turned_away = Counter(
            "cps_turned_away", "Refused at the door, too many in work", ["protocol"], registry=registry
        )
        version = ["model", "version"]
        self._pictures = Counter("cps_pictures", "Pictures read", version, registry=registry)
        self._waits = Histogram(
            "cps_queue_seconds", "Time of a picture in the queue", version, buckets=_LATENCIES, registry=registry
        )
        self._runs = Histogram("cps_run_seconds", "Time of a run", version, buckets=_LATENCIES, registry=registry)
        self._sizes = Histogram("cps_batch_pictures", "Pictures in a run", version, buckets=_SIZES, registry=registry)
        self._states = Counter(
            "cps_transitions",
            "Times that a version entered a state; `active` counts swaps, `rejected` and `failed` bad versions",
            [*version, "state"],
            registry=registry,
        )

        # To look up what belongs to some labels costs more than to count.
        self._of_route = cache(
            lambda protocol, route, status: (
                self._requests.labels(protocol, route, status),
                self._seconds.labels(protocol, route),
            )
        )
        self._of_version = cache(
            lambda *labels: tuple(
                metric.labels(*labels) for metric in (self._pictures, self._sizes, self._runs, self._waits)
            )
        )
        self._gone: list[tuple[str, str]] = []  # only the loader's thread touches it

    def watch(self, plane: Observed) -> None:
        """Look at this data plane from now on."""
        self._registry.register(_Glance(plane))

    def text(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self._registry)

    def request(self, protocol: str, route: str, status: str, seconds: float) -> None:
        """Note a request; these four are described in `metering`."""
        answered, took = self._of_route(protocol, route, status)
        answered.inc()
        took.observe(seconds)

    def turned_away(self, protocol: str) -> None:
        """Note a refusal."""
        self._turned_away.labels(protocol).inc()

    def batch(self, model: str, version: str, waits: Sequence[float], seconds: float) -> None:
        """Note a run."""
        pictures, sizes, runs, queue = self._of_version(model, version)
        pictures.inc(len(waits))
        sizes.observe(len(waits))
        runs.observe(seconds)
        for wait in waits:
            queue.observe(wait)

    def state(self, model: str, version: str, state: str) -> None:
        """Note a new state."""
        self._states.labels(model, version, state).inc()
        if (model, version) in self._gone:
            self._gone.remove((model, version))

    def forget(self, model: str, version: str) -> None:
        """Forget a version some time after it has gone, so that what comes and goes does not fill the memory."""
        self._gone.append((model, version))
        if len(self._gone) > _GONE:
            gone = dict(zip(("model", "version"), self._gone.pop(0), strict=True))
            for metric in (self._pictures, self._sizes, self._runs, self._waits, self._states):
                metric.remove_by_labels(gone)
            self._of_version.cache_clear()


class _Glance(Collector):
    """What is so at this moment."""

    def __init__(self, plane: Observed) -> None:
        self._plane = plane

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("cps_ready", "Whether requests should be sent here", value=float(self._plane.ready()))
        degraded = float(len(self._plane.degraded()))
        yield GaugeMetricFamily("cps_degraded", "Folders and files that cannot be read", value=degraded)
        version = ["model", "version"]
        states = GaugeMetricFamily(
            "cps_model_state", "1 for the state that a version is in", labels=[*version, "state"]
        )
        for model in self._plane.models():
            states.add_metric([model.name, model.version, model.state], 1.0)
        yield states
        depth = GaugeMetricFamily("cps_queue_depth", "Pictures that wait", labels=version)
        leases = GaugeMetricFamily("cps_leases", "Requests in work", labels=version)
        for queue in self._plane.queues():
            depth.add_metric([queue.name, queue.version], queue.waiting)
            leases.add_metric([queue.name, queue.version], queue.leases)
        yield depth
        yield leases

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())
