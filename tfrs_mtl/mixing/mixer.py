"""The small network that gives candidates of all sources one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.errors import BundleError

_FILE = "mixer.npz"
_FARTHEST = 5.0  # a signal beyond what training saw must not carry a score away

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Mixer:
    """Signals of a pair -> a score: the higher, the likelier the query meets the item before long.

    Standardised, cut at five deviations, then dense layers with ReLU between them; plain numpy, since a
    request brings a thousand rows of some tens of numbers.

    Attributes:
        mean, deviation: of the signals in training, [width].
        kernels, biases: [in, out] and [out] of each layer; the last has one output.
    """

    mean: Floats
    deviation: Floats
    kernels: tuple[Floats, ...]
    biases: tuple[Floats, ...]

    def standardised(self, signals: Floats) -> Floats:
        """Return signals [n, width] as the network takes them."""
        scaled = (signals - self.mean) / self.deviation
        return np.asarray(np.clip(scaled, -_FARTHEST, _FARTHEST), np.float32)

    def __call__(self, signals: Floats) -> Floats:
        """Return the score of each of n pairs, [n]."""
        return self.raw(self.standardised(signals))

    def raw(self, x: Floats) -> Floats:
        """Return the scores [n] of signals that are standardised already."""
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            x = np.maximum(x @ kernel + bias, 0)
        return np.asarray((x @ self.kernels[-1] + self.biases[-1])[:, 0], np.float32)

    def save(self, directory: Path) -> None:
        """Write to one file in a directory."""
        arrays: dict[str, Any] = {"mean": self.mean, "deviation": self.deviation}
        arrays |= {f"kernel_{n}": kernel for n, kernel in enumerate(self.kernels)}
        arrays |= {f"bias_{n}": bias for n, bias in enumerate(self.biases)}
        with (directory / _FILE).open("wb") as stream:
            np.savez(stream, **arrays)

    @classmethod
    def load(cls, directory: Path) -> Mixer | None:
        """Read what ``save`` wrote; None where there is nothing, BundleError where it is no mixer."""
        file = directory / _FILE
        if not file.exists():
            return None
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                layers = range(sum(name.startswith("kernel_") for name in stored.files))
                kernels = tuple(stored[f"kernel_{n}"] for n in layers)
                biases = tuple(stored[f"bias_{n}"] for n in layers)
                return cls(stored["mean"], stored["deviation"], kernels, biases)
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise BundleError(f"{file}: expected a mixer's arrays: {error}; train again") from error


def scale_of(signals: Floats) -> tuple[Floats, Floats]:
    """Return mean and deviation of each signal of [n, width]; a signal that never moves has deviation 1."""
    mean, deviation = signals.mean(axis=0), signals.std(axis=0)
    return mean, np.where(deviation > 1e-6, deviation, np.float32(1)).astype(np.float32)


def mixer_of(mean: Floats, deviation: Floats, weights: Sequence[Floats]) -> Mixer:
    """Return a mixer whose layers come as kernel, bias, kernel, bias, ..."""
    return Mixer(mean, deviation, tuple(weights[::2]), tuple(weights[1::2]))
