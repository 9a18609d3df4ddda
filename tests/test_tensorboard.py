"""Event files hold what the history does, read back as TensorBoard reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tfrs_mtl._tf import tf
from tfrs_mtl.errors import StoreError
from tfrs_mtl.training.history import Epoch, History
from tfrs_mtl.training.tensorboard import write_events

_HISTORY = History(
    (
        Epoch(1, 0.75, 0.5, 2.0, 1000.0, {"weight/click": 1.0, "conflict/click/buy": -0.25}),
        Epoch(2, 0.5, 0.625, 2.0, 2000.0, {"weight/click": 0.5, "conflict/click/buy": 0.125}),
    ),
    resumed_from=1,
)


def test_every_figure_of_every_epoch_is_read_back(tmp_path: Path) -> None:
    write_events(tmp_path / "ranking", _HISTORY)
    events = EventAccumulator(str(tmp_path / "ranking"), size_guidance={"tensors": 0})
    events.Reload()
    found = {
        tag: {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)}
        for tag in events.Tags()["tensors"]
    }
    assert found == {
        "loss": {1: 0.75, 2: 0.5},
        "validation": {1: 0.5, 2: 0.625},
        "rows_per_second": {1: 1000.0, 2: 2000.0},
        "weight/click": {1: 1.0, 2: 0.5},
        "conflict/click/buy": {1: -0.25, 2: 0.125},
    }


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file: the events for TensorBoard cannot be written"):
        write_events(tmp_path / "file", _HISTORY)
