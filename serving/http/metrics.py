"""What Prometheus reads: requests, latency, degraded answers, the bundle, the items and their upkeep."""

from __future__ import annotations

import os
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.values import MutexValue, ValueClass

from serving.answer import Answer
from serving.http.source import Source

CONTENT_TYPE = CONTENT_TYPE_LATEST
_FAILURES = ("refresh_failures", "swap_failures", "log_failures")
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

        self._refused = Counter(
            "tfrs_mtl_refused_requests",
            "Requests beyond those that are answered at a time.",
            ["route"],
            registry=self._registry,
        )

    def refused(self, route: str) -> None:
        """Count one request that found too many before it."""
        self._refused.labels(route).inc()

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
        """Return all counts; of all workers, where PROMETHEUS_MULTIPROC_DIR was set before they started."""
        state, counts = CollectorRegistry(), self._registry
        state.register(self._state)
        if ValueClass is not MutexValue:
            counts = CollectorRegistry()
            counts.register(_Shared())
        return generate_latest(counts) + generate_latest(state)


class _Shared(Collector):
    """What the processes of one PROMETHEUS_MULTIPROC_DIR have counted together.

    prometheus_client decides once, when it is imported, whether it counts in memory or in that directory;
    Feast sets the variable when it is imported, earlier or later than that, and counts there too.
    """

    def collect(self) -> Iterable[Metric]:
        found = MultiProcessCollector(None).collect()  # type: ignore[no-untyped-call]
        return [metric for metric in found if metric.name.startswith("tfrs_mtl_")]


class _State(Collector):
    """The bundle and the snapshot of the worker that is asked, and what else it has counted."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterable[Metric]:
        if self._source.held is None:
            return
        status, worker = self._source.held.status(), str(os.getpid())
        age = GaugeMetricFamily("tfrs_mtl_snapshot_age_seconds", "Age of the items.", labels=["worker"])
        age.add_metric([worker], status.snapshot_age)
        bundle = InfoMetricFamily("tfrs_mtl_bundle", "The bundle that answers.", labels=["worker"])
        bundle.add_metric([worker], {"bundle": status.bundle, "snapshot": status.snapshot})
        counted = CounterMetricFamily("tfrs_mtl_counts", "Of status().counts.", labels=["worker", "what"])
        for what, count in {**dict.fromkeys(_FAILURES, 0), **status.counts}.items():
            if not what.startswith("degraded."):
                counted.add_metric([worker, what], count)
        yield from (age, bundle, counted)
