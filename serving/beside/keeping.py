"""Keeping a log of answers while requests run: sampled, in batches, beside the requests."""

from __future__ import annotations

import random
from collections.abc import Sequence

from serving.beside.background import Background
from serving.log import Entry, to_tables, write_log
from serving.status import Counters

_ROOM = 1000


class LogKeeper:
    """Writes a share of the answers to the log, and their queries' features to Feast's where it keeps one."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._background = Background("log", self._write, counters, room=_ROOM)

    def offer(self, entry: Entry) -> None:
        """Log a call by chance, as the spec in force says, and return at once."""
        settings = entry.state.settings.log
        if settings is not None and random.random() < settings.share:
            self._background.offer(entry, gather=settings.every.total_seconds())

    def close(self) -> None:
        """Write what was taken, and stop."""
        self._background.close()

    def _write(self, entries: Sequence[Entry]) -> None:
        for state, table in to_tables(entries):
            write_log(state.project.log, table)
            self._counters.add(*["logged"] * len(table))
            state.project.repo.log_features(state.schema.query, table)
