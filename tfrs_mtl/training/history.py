"""What a training went through, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tfrs_mtl import spec


@dataclass(frozen=True)
class Epoch:
    """One pass over the examples.

    Attributes:
        number: from 1.
        loss: mean training loss over the pass.
        metric: the validation metric after it; higher is better.
        seconds: of training, without validation.
        rows_per_second: of training.
        figures: what else was observed, by name.
    """

    number: int
    loss: float
    metric: float
    seconds: float
    rows_per_second: float
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """All epochs of a training, also those before it was resumed.

    Attributes:
        epochs: in order.
        resumed_from: the number of the epoch whose checkpoint it went on from; 0 if it began anew.
    """

    epochs: tuple[Epoch, ...] = ()
    resumed_from: int = 0

    @property
    def best(self) -> int:
        """Number of the epoch with the highest metric, the first of equals; 0 before any."""
        return max(self.epochs, key=lambda epoch: epoch.metric).number if self.epochs else 0

    def with_epoch(self, epoch: Epoch) -> History:
        """Return this history and one more epoch."""
        return replace(self, epochs=(*self.epochs, epoch))

    def is_finished(self, settings: spec.Training) -> bool:
        """Return whether all epochs are done, or ``patience`` of them brought nothing better."""
        done = len(self.epochs)
        return done >= settings.epochs or (done > 0 and done - self.best >= settings.patience)

    def to_json(self) -> dict[str, Any]:
        """Return what ``json.dumps`` takes; ``from_json`` is its inverse."""
        return {**asdict(self), "epochs": [asdict(epoch) for epoch in self.epochs], "best": self.best}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> History:
        """Return the history of which ``to_json`` came."""
        epochs = tuple(Epoch(**epoch) for epoch in content["epochs"])
        return cls(epochs=epochs, resumed_from=int(content["resumed_from"]))
