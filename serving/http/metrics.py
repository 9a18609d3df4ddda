"""What Prometheus reads: requests, latency, degraded answers, the age of the items, the bundle."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from serving.answer import Answer
from serving.http.source import Source

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Counts in a registry of its own, so that two applications in a process do not clash."""

    def __init__(self, source: Source) -> None:
        self._registry = CollectorRegistry()
        self._state = _State(source)
        self._requests = Counter(
            "tfrs_mtl_requests", "Requests.", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "tfrs_mtl_request_seconds",
            "Time to answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._degraded = Counter(
            "tfrs_mtl_degraded_answers",
            "Answers that are less than whole.",
            ["reason"],
            registry=self._registry,
        )

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def look_at(self, answers: Iterable[Answer]) -> None:
        """Count why answers are degraded."""
        for answer in answers:
            for reason in answer.degraded:
                self._degraded.labels(reason).inc()

    def text(self) -> bytes:
        """Return all counts; of all workers, where PROMETHEUS_MULTIPROC_DIR is set for their processes."""
        state = CollectorRegistry()
        state.register(self._state)
        counts = CollectorRegistry()
        try:
            MultiProcessCollector(counts)  # type: ignore[no-untyped-call]
        except ValueError:  # the variable is not set
            counts = self._registry
        return generate_latest(counts) + generate_latest(state)


class _State(Collector):
    """The bundle and the snapshot of the worker that is asked."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterable[Metric]:
        if self._source.held is None:
            return
        status = self._source.held.status()
        yield GaugeMetricFamily(
            "tfrs_mtl_snapshot_age_seconds", "Age of the item snapshot.", value=status.age.total_seconds()
        )
        yield InfoMetricFamily(
            "tfrs_mtl_bundle",
            "The bundle that answers.",
            value={"bundle": status.versions.bundle, "snapshot": status.versions.snapshot},
        )
