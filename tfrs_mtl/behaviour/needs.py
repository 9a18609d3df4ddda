"""What the measures need of the past: running quantities per entity, each computed once."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Total:
    """A sum of integers over the events of ``[T - window, T)``.

    Attributes:
        amount: SQL over one event; null counts as 0.
        window: microseconds; None for all the past.
        type: DuckDB's type of the sum, ``BIGINT`` or ``HUGEINT``.
    """

    amount: str
    window: int | None
    type: str = "BIGINT"


@dataclass(frozen=True)
class Latest:
    """The latest time, in microseconds, of all past events for which ``flag`` is 1."""

    flag: str


@dataclass(frozen=True)
class Unique:
    """How many distinct values the events of the window have; SQL ``value`` is null for those left out."""

    value: str
    window: int | None


@dataclass(frozen=True)
class Recent:
    """The most recent events for which ``flag`` is 1: ``held`` of them, cut at ``limit``.

    Attributes:
        rank: how many such events there were in all the past.
        held: how many there were in the window.
    """

    flag: str
    limit: int
    rank: Total
    held: Total


@dataclass
class Needs:
    """Collects needs; the same need asked for twice is one column.

    Attributes:
        amounts: SQL over one event -> its column in the events table.
        running: per entity, need -> column.
        overall: over all entities, need -> column.
        recent: need -> prefix of its two list columns, ``_ids`` and ``_times``.
    """

    amounts: dict[str, str] = field(default_factory=dict)
    running: dict[Total | Latest | Unique, str] = field(default_factory=dict)
    overall: dict[Total | Latest | Unique, str] = field(default_factory=dict)
    recent: dict[Recent, str] = field(default_factory=dict)

    def of_entity(self, need: Total | Latest | Unique) -> str:
        """Return the column that holds ``need`` for the row's entity."""
        self._event_column(need)
        return self.running.setdefault(need, f"n{len(self.running)}")

    def of_all(self, need: Total) -> str:
        """Return the column that holds ``need`` over all entities."""
        self._event_column(need)
        return self.overall.setdefault(need, f"o{len(self.overall)}")

    def of_recent(self, flag: str, limit: int, window: int | None) -> str:
        """Return the prefix of the columns ``<prefix>_ids`` and ``<prefix>_times``."""
        need = Recent(flag, limit, Total(flag, None), Total(flag, window))
        self.of_entity(need.rank)
        self.of_entity(need.held)
        return self.recent.setdefault(need, f"r{len(self.recent)}")

    def _event_column(self, need: Total | Latest | Unique) -> None:
        self.amounts.setdefault(event_sql(need), f"e{len(self.amounts)}")


def event_sql(need: Total | Latest | Unique) -> str:
    """Return what a need reads of one event."""
    if isinstance(need, Total):
        return need.amount
    return need.value if isinstance(need, Unique) else need.flag
