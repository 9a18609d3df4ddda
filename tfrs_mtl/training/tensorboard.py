"""A training's history as event files, which TensorBoard shows."""

from __future__ import annotations

from pathlib import Path

from tfrs_mtl._tf import tf
from tfrs_mtl.errors import StoreError
from tfrs_mtl.training.history import History


def write_events(directory: Path, history: History) -> None:
    """Write one event file with a scalar a figure, its step the epoch's number.

    ``loss``, ``validation``, ``rows_per_second``, and the epochs' figures: ``weight/<task>``,
    ``conflict/<task>/<task>`` and ``gate <task>/<expert>``. Epochs
    of before a training was resumed are among them.

    Raises:
        StoreError: the files cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        writer = tf.summary.create_file_writer(str(directory))
        with writer.as_default():
            for epoch in history.epochs:
                own = {
                    "loss": epoch.loss,
                    "validation": epoch.metric,
                    "rows_per_second": epoch.rows_per_second,
                }
                for name, value in {**own, **epoch.figures}.items():
                    tf.summary.scalar(name, value, step=epoch.number)
        writer.close()
    except (OSError, tf.errors.OpError) as error:
        raise StoreError(f"{directory}: the events for TensorBoard cannot be written: {error}") from error
