"""Checkpoints of a training: written whole after each epoch, set aside when they are not its own."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.errors import StoreError
from tfrs_mtl.training.history import History

log = logging.getLogger(__name__)

STATE = "state.json"
_UNUSABLE = (OSError, ValueError, KeyError, TypeError, AssertionError, tf.errors.OpError)


class Checkpoints:
    """Model, optimizer and history in a directory of their own.

    ``epoch-<n>.*`` are TensorFlow checkpoints of the last epoch and of the best one; ``state.json``, written
    after them and renamed into place, says which are valid: a kill at any moment leaves the epoch before.

    Args:
        directory: holds nothing else.
        trained: name -> model, optimizer: everything that training changes.
        fingerprint: of everything that must be equal for a training to go on.
    """

    def __init__(self, directory: Path, trained: dict[str, Any], fingerprint: str) -> None:
        self._directory = directory
        self._checkpoint = tf.train.Checkpoint(**trained)
        self._fingerprint = fingerprint

    def resume(self) -> History:
        """Restore the last whole epoch and return the history up to it; an empty one if there is none.

        What is damaged, or belongs to another training, is set aside with a warning, and the model is as
        it was.
        """
        if not (self._directory / STATE).exists():
            return History()
        with _disk_errors(self._directory):
            self._checkpoint.write(self._path(0))
        try:
            history = self._read_state()
            self._restore(history.best)
            self._restore(len(history.epochs))
        except _UNUSABLE as error:
            self._restore(0)
            self._set_aside(str(error))
            return History()
        self._delete_all_but({len(history.epochs), history.best})
        return replace(history, resumed_from=len(history.epochs))

    def save(self, history: History) -> None:
        """Write the epoch that the history ends with.

        Raises:
            StoreError: the disk is full or not writable; the epoch before stays valid.
        """
        last = len(history.epochs)
        with _disk_errors(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            self._checkpoint.write(self._path(last))
            state = {"fingerprint": self._fingerprint, "history": history.to_json()}
            _write_atomically(self._directory / STATE, json.dumps(state, indent=1))
            self._delete_all_but({last, history.best})

    def restore_best(self, history: History) -> None:
        """Give the model and the optimizer the state after the best epoch."""
        if history.best != len(history.epochs) or history.resumed_from:
            self._restore(history.best)

    def _read_state(self) -> History:
        state = json.loads((self._directory / STATE).read_text(encoding="utf-8"))
        if state["fingerprint"] != self._fingerprint:
            raise ValueError("it belongs to a training on other data, inputs or settings")
        history = History.from_json(state["history"])
        if not history.epochs:
            raise ValueError("its state holds no epoch")
        return history

    def _restore(self, epoch: int) -> None:
        self._checkpoint.read(self._path(epoch)).assert_existing_objects_matched()

    def _set_aside(self, reason: str) -> None:
        aside = self._directory.with_name(f"{self._directory.name}.set-aside")
        shutil.rmtree(aside, ignore_errors=True)
        self._directory.rename(aside)
        log.warning(
            "the checkpoint in %s cannot be resumed: %s; training starts anew", self._directory, reason
        )
        log.warning("the old checkpoint is kept in %s", aside)

    def _delete_all_but(self, epochs: set[int]) -> None:
        kept = {f"epoch-{epoch}" for epoch in epochs}
        for file in self._directory.glob("epoch-*"):
            if file.name.split(".")[0] not in kept:
                file.unlink()

    def _path(self, epoch: int) -> str:
        return str(self._directory / f"epoch-{epoch}")


@contextmanager
def _disk_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        raise StoreError(f"no checkpoint could be written to {directory}: {error}") from error


def _write_atomically(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    with new.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)
