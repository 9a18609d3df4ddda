"""The training loop of both models."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.batches import Columns
from tfrs_mtl.dataset.examples import Examples
from tfrs_mtl.errors import DataError
from tfrs_mtl.layers.build import build
from tfrs_mtl.layers.noise import seed_noise
from tfrs_mtl.layers.optimizer import LazyAdam
from tfrs_mtl.training.checkpoints import Checkpoints
from tfrs_mtl.training.history import Epoch, History
from tfrs_mtl.training.progress import Advance, epoch_bar, print_epoch

OBSERVED = 4
Observe = Callable[[Iterable[Any]], Mapping[str, float]]
"""Called after an epoch with its first 4 batches; returns name -> figure."""


def fit(
    model: Any,
    examples: Examples,
    *,
    settings: spec.Training,
    seed: int,
    validate: Callable[[], float],
    directory: Path,
    fingerprint: str = "",
    observe: Observe | None = None,
    progress: Console | None = None,
) -> History:
    """Train a model, leave it with the weights of its best epoch, and return what happened.

    A training that was killed goes on from its last whole epoch and ends as if it had not been; one that was
    finished ends at once. The same seed gives the same weights, on the same machine and number of threads.

    Args:
        model: a ``RetrievalModel`` or ``RankingModel``; built with the seed if it is not built yet.
        examples: the training window.
        settings: epochs, batch size, learning rate, patience.
        seed: of the initial weights, the order of the rows and the noise.
        validate: gives the metric of the model as it is; higher is better.
        directory: of the checkpoints, for this training alone.
        fingerprint: tells this training from others: spec, inputs, data. A checkpoint with another one is
            set aside with a warning.
        observe: gives figures of the model after an epoch, for the history.
        progress: where to show the progress; None shows none.

    Raises:
        DataError: there are no examples, or the loss or the metric is not a number.
        StoreError: a checkpoint cannot be written.
    """
    if examples.size == 0:
        raise DataError("there is nothing to train on: the training window holds no examples")
    if not model.built:
        build(model, model.model_inputs, seed=seed)
    seed_noise(model, seed)
    loop = _Loop(model, examples, settings, seed)
    own = f"{fingerprint}|{seed}|{examples.size}|{settings.model_dump_json(exclude={'epochs'})}"
    checkpoints = Checkpoints(directory, {"model": model, "optimizer": loop.optimizer}, own)
    history = checkpoints.resume()
    while not history.is_finished(settings):
        number = len(history.epochs) + 1
        with epoch_bar(progress, f"epoch {number}/{settings.epochs}", loop.steps) as advance:
            done = loop.run(number, advance)
        metric = _finite(validate(), "validation metric", number)
        figures = observe(loop.first(number, OBSERVED)) if observe is not None else {}
        epoch = Epoch(number, done.loss, metric, done.seconds, done.rows_per_second, figures)
        history = history.with_epoch(epoch)
        checkpoints.save(history)
        print_epoch(progress, history, settings)
    checkpoints.restore_best(history)
    return history


class _Pass(NamedTuple):
    loss: float
    seconds: float
    rows_per_second: float


class _Loop:
    """One model, its optimizer and the compiled step."""

    def __init__(self, model: Any, examples: Examples, settings: spec.Training, seed: int) -> None:
        self._model, self._columns, self._seed = model, Columns(examples), seed
        self._batch_size = min(settings.batch_size, examples.size)
        # A small last batch would weigh its rows more; every epoch leaves out others.
        self.steps = examples.size // self._batch_size
        self.optimizer = LazyAdam(rate_of(settings, self.steps))
        self.optimizer.build(model.trainable_variables)
        self._total = tf.Variable(0.0, trainable=False)
        self._step = tf.function(self._update, input_signature=[self._batches(0).element_spec])

    def run(self, epoch: int, advance: Advance) -> _Pass:
        """Pass over the examples once."""
        self._total.assign(0.0)
        start = time.perf_counter()
        done = 0

        def state() -> tuple[float, float]:
            seconds = time.perf_counter() - start
            return float(self._total) / max(done, 1), done * self._batch_size / seconds

        for done, batch in enumerate(self._batches(epoch), 1):
            self._step(batch)
            advance(done, state)
        loss, speed = state()
        return _Pass(_finite(loss, "loss", epoch), time.perf_counter() - start, speed)

    def first(self, epoch: int, count: int) -> Any:
        """Return the first batches of an epoch."""
        return self._batches(epoch).take(count)

    def _batches(self, epoch: int) -> Any:
        return self._columns.batches(
            self._batch_size, shuffle_seed=self._seed, epoch=epoch, drop_remainder=True
        )

    def _update(self, batch: Any) -> None:
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            loss = self._model.compute_loss(batch, training=True)
        gradients = tape.gradient(loss, variables)
        pairs = [
            (gradient, v) for gradient, v in zip(gradients, variables, strict=True) if gradient is not None
        ]
        self.optimizer.apply_gradients(pairs)
        self._total.assign_add(loss)
        if hasattr(self._model, "after_step"):
            self._model.after_step(batch)


def rate_of(settings: spec.Training, steps: int) -> Any:
    """Return the learning rate, or its schedule where it falls."""
    if settings.final_rate == 1:
        return settings.learning_rate
    last = settings.learning_rate * settings.final_rate
    return tf.keras.optimizers.schedules.PolynomialDecay(
        settings.learning_rate, settings.epochs * steps, last
    )


def _finite(value: float, what: str, epoch: int) -> float:
    if not math.isfinite(value):
        raise DataError(
            f"the {what} is {value} in epoch {epoch}; expected a finite number: look for infinite inputs, a "
            "validation window without positives, or a learning_rate that is too high"
        )
    return float(value)
