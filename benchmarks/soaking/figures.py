"""What happened in a soak, and what of it must not be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

PAGE_MIB = 4096 / 2**20
CHANGES = ("swaps", "refreshes", "materialisations", "pushes")


@dataclass
class Memory:
    """Resident memory on the way: (requests answered, MiB).

    The first quarter warms up: pools, arenas and two bundles take what they need. From then on memory goes up
    and down by a bundle at each swap; a leak is what a straight line through it rises by. It may rise by a
    twentieth of what was there after the warm-up, or by ``FLOOR_MIB`` where that is more: a bundle more or
    less at either end of the line is as much. Of 20,000 requests that is some 4 KiB a request; a state kept
    alive by each of several hundred swaps would be far beyond.
    """

    samples: list[tuple[int, float]] = field(default_factory=list)

    FLOOR_MIB = 64.0

    def warm(self) -> list[tuple[int, float]]:
        """Return the samples after the first quarter."""
        last = self.samples[-1][0] if self.samples else 0
        return [(done, mib) for done, mib in self.samples if done * 4 >= last]

    @property
    def rises_mib(self) -> float:
        """By how much the line rises from the end of the warm-up to the end."""
        warm = self.warm()
        if len(warm) < 3:
            return 0.0
        done, mib = np.array(warm).T
        slope, _ = np.polyfit(done, mib, 1)
        return round(float(slope * (done[-1] - done[0])), 1)

    @property
    def may_rise_mib(self) -> float:
        """By how much it may."""
        warm = self.warm()
        return round(max(self.FLOOR_MIB, 0.05 * warm[0][1] if warm else 0.0), 1)


@dataclass
class Figures:
    """What happened.

    Attributes:
        done: swap, refresh, materialisation, push -> how many came about.
        records: whether events can be recorded.
        recorded: what became of how many of the events.
        troubles: what failed -> how often. It is tried again; a failed answer is counted besides.
    """

    requests: int = 0
    failed: int = 0
    mixed: int = 0
    degraded: Counter[str] = field(default_factory=Counter)
    per_s: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    records: bool = False
    recorded: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    memory: Memory = field(default_factory=Memory)

    @property
    def wrong(self) -> list[str]:
        """What must not be."""
        said = [f"{self.failed} answers failed"] if self.failed else []
        said += [f"{self.mixed} answers mixed versions"] if self.mixed else []
        said += [f"no {what}" for what in CHANGES if not self.done[what]]
        lost = sum(count for outcome, count in self.recorded.items() if outcome.startswith("store_"))
        said += [f"{lost} events were not taken"] if lost else []
        said += ["no events"] if self.records and not self.recorded else []
        rises, may = self.memory.rises_mib, self.memory.may_rise_mib
        return said + ([f"memory rose by {rises} MiB, expected at most {may}"] if rises > may else [])

    def as_json(self) -> dict[str, Any]:
        """Return the figures as one line of JSON says them."""
        return {
            "requests": self.requests,
            "failed": self.failed,
            "mixed": self.mixed,
            "degraded": dict(self.degraded),
            "per_s": self.per_s,
            **{what: self.done[what] for what in CHANGES},
            "recorded": dict(self.recorded),
            "troubles": self.troubles.total(),
            "rss_mib": self.memory.samples,
            "rises_mib": self.memory.rises_mib,
            "may_rise_mib": self.memory.may_rise_mib,
            "wrong": self.wrong,
        }


def rss() -> float:
    """Return this process's resident memory in MiB."""
    return round(int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MIB, 1)
