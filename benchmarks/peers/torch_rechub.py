"""MMoE and PLE of the package `torch-rechub`, at the size of ours and fed with the same inputs.

Networks, tables and optimizer are the package's; the loop is not. Its loader collates a batch row by row
in Python, and its trainer knows no row without a label. Here a batch is a gather, as in ours, and a task
learns from the rows that teach it.

What a history says of the candidate (`layers.match`) the package cannot compute: it is given as a dense
input, computed beforehand and outside the seconds. A history is its plain mean.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy
from torch_rechub.basic.features import DenseFeature, SequenceFeature, SparseFeature
from torch_rechub.basic.layers import AveragePooling, EmbeddingLayer
from torch_rechub.models.multi_task import MMOE, PLE

from tfrs_mtl import spec
from tfrs_mtl.dataset.examples import NULL, Examples, ModelInput
from tfrs_mtl.evaluation.ranking import mean_quality
from tfrs_mtl.layers.match import Match, pairs
from tfrs_mtl.ranking.statistics import LabelStatistics, label_statistics, learnt_rows
from tfrs_mtl.training.history import Epoch, History

_MATCH = "match"
_ROWS_A_BLOCK = 16_384


@dataclass(frozen=True)
class Peer:
    """A network of the package that predicts what ours do.

    Attributes:
        network: dict of tensors [batch, ...] -> [batch, tasks], chances and standardised amounts.
        statistics: of the training labels of each task that is not binary.
    """

    network: Any
    inputs: tuple[ModelInput, ...]
    tasks: tuple[spec.Task, ...]
    statistics: Mapping[str, LabelStatistics]

    @property
    def parameters(self) -> int:
        """How many numbers training moves."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def predict(self, examples: Examples) -> dict[str, NDArray[np.float32]]:
        """Return task -> [n], in the label's units."""
        columns = _Columns(self.inputs, examples)
        self.network.eval()
        with torch.no_grad():
            blocks = torch.arange(examples.size).split(_ROWS_A_BLOCK)
            found = torch.cat([self.network(columns.gather(rows)) for rows in blocks]).numpy()
        scales = [self.statistics.get(task.name, LabelStatistics()) for task in self.tasks]
        return {
            task.name: found[:, k] * scale.std + scale.mean
            for k, (task, scale) in enumerate(zip(self.tasks, scales, strict=True))
        }


class Fitted(NamedTuple):
    """A peer with the weights of its best epoch, and what happened."""

    peer: Peer
    history: History


def rechub(
    inputs: Sequence[ModelInput], ranking: spec.Ranking, train: Examples, validation: Examples, *, seed: int
) -> Fitted:
    """Fit the package's `mmoe` or `ple` with the settings of ours, stopped by the same validation window."""
    torch.manual_seed(seed)
    statistics = label_statistics(train.labels, ranking.tasks)
    peer = Peer(_network(inputs, ranking), tuple(inputs), ranking.tasks, statistics)
    loop = _Loop(peer, train, ranking.training, seed)
    history, kept = History(), {}
    while not history.is_finished(ranking.training):
        number = len(history.epochs) + 1
        seconds = loop.run(number)
        metric = mean_quality(ranking.tasks, validation.labels, peer.predict(validation))
        history = history.with_epoch(Epoch(number, math.nan, metric, seconds, loop.rows / seconds))
        if history.best == number:
            kept = copy.deepcopy(peer.network.state_dict())
    peer.network.load_state_dict(kept)
    return Fitted(peer, history)


class _Loop:
    """One peer, its optimizer, the schedule of its rate and the rows that it learns from."""

    def __init__(self, peer: Peer, examples: Examples, settings: spec.Training, seed: int) -> None:
        self._network, self._tasks, self._seed, self._size = peer.network, peer.tasks, seed, examples.size
        self._columns = _Columns(peer.inputs, examples)
        self._labels, self._known = _labels(peer, examples.labels)
        self._weights = torch.tensor([task.weight for task in peer.tasks])
        self._batch_size = min(settings.batch_size, examples.size)
        steps = examples.size // self._batch_size
        self.rows = steps * self._batch_size
        self._optimizer = torch.optim.Adam(peer.network.parameters(), lr=settings.learning_rate)
        self._schedule = torch.optim.lr_scheduler.LinearLR(
            self._optimizer, 1.0, settings.final_rate, total_iters=settings.epochs * steps
        )

    def run(self, epoch: int) -> float:
        """Pass over the rows once and return the seconds."""
        order = np.random.default_rng([self._seed, epoch]).permutation(self._size)[: self.rows]
        self._network.train()
        began = time.perf_counter()
        for rows in torch.from_numpy(order).split(self._batch_size):
            predicted = self._network(self._columns.gather(rows))
            losses = _losses(self._tasks, predicted, self._labels[rows], self._known[rows])
            self._optimizer.zero_grad()
            (self._weights * losses).sum().backward()
            self._optimizer.step()
            self._schedule.step()
        return time.perf_counter() - began


class _Columns:
    """Examples as tensors, and the matches beside them."""

    def __init__(self, inputs: Sequence[ModelInput], examples: Examples) -> None:
        names = {given.name for given in inputs}
        self._blocks = [
            (
                None if block.rows is None else torch.from_numpy(block.rows).long(),
                {name: _tensor(array) for name, array in block.arrays.items() if name in names},
            )
            for block in examples.blocks
        ]
        if pairs(inputs):
            self._blocks.append((None, {_MATCH: torch.from_numpy(_matches(inputs, examples))}))

    def gather(self, rows: Any) -> dict[str, Any]:
        """Return the arrays of these rows [batch] by name."""
        found = {}
        for own, tensors in self._blocks:
            taken = rows if own is None else own[rows]
            found |= {name: tensor[taken] for name, tensor in tensors.items()}
        return found


def _tensor(array: NDArray[np.generic]) -> Any:
    """Return numbers as they are, ids as the package looks them up."""
    found = torch.from_numpy(np.ascontiguousarray(array))
    return found if found.is_floating_point() else found.long()


def _matches(inputs: Sequence[ModelInput], examples: Examples) -> NDArray[np.float32]:
    match, size = Match(pairs(inputs)), examples.size
    blocks = [
        match(examples.gather(start, min(start + _ROWS_A_BLOCK, size))).numpy()
        for start in range(0, size, _ROWS_A_BLOCK)
    ]
    return np.concatenate(blocks)


class _Embeddings(EmbeddingLayer):  # type: ignore[misc]
    """The package's tables and means; its own layer joins embeddings of one width alone."""

    def forward(self, x: Mapping[str, Any], features: Sequence[Any], squeeze_dim: bool = True) -> Any:
        """Return all features side by side, [batch, width]."""
        return torch.cat([self._encoded(feature, x) for feature in features], dim=1)

    def _encoded(self, feature: Any, x: Mapping[str, Any]) -> Any:
        values = x[feature.name]
        if isinstance(feature, DenseFeature):
            return values
        found = self.embed_dict[feature.shared_with or feature.name](values)
        if isinstance(feature, SparseFeature):
            return found
        return AveragePooling()(found, self.input_mask(x, feature))


def _network(inputs: Sequence[ModelInput], ranking: spec.Ranking) -> Any:
    """Return the package's network over embeddings of any widths."""
    features = _features(inputs)
    network = _tasks_over(features, ranking)
    network.embedding = _Embeddings(features)
    return network


def _tasks_over(features: list[Any], ranking: spec.Ranking) -> Any:
    chosen = ranking.architecture
    kinds = ["classification" if task.kind == "binary" else "regression" for task in ranking.tasks]
    experts = {"dims": list(ranking.hidden), "dropout": ranking.dropout}
    towers = [{"dims": list(ranking.tower)}] * len(kinds)
    if isinstance(chosen, spec.Mmoe):
        return MMOE(features, kinds, chosen.experts, experts, towers)
    if isinstance(chosen, spec.Ple):
        return PLE(features, kinds, chosen.levels, chosen.own_experts, chosen.experts, experts, towers)
    raise ValueError(f"the peers are mmoe and ple; got {chosen.name!r}")


def _features(inputs: Sequence[ModelInput]) -> list[Any]:
    """Return the inputs in the package's words; of those that share a table, the first holds it."""
    holders: dict[str, str] = {}
    found: list[Any] = []
    for given in inputs:
        if given.form == "dense":
            found.append(DenseFeature(given.name, given.size))
            continue
        holder = holders.setdefault(given.table, given.name)
        shape = {"vocab_size": given.size, "embed_dim": given.dim}
        shared = None if holder == given.name else holder
        if given.form == "category":
            found.append(SparseFeature(given.name, shared_with=shared, **shape))
        else:
            found.append(SequenceFeature(given.name, shared_with=shared, padding_idx=NULL, **shape))
    width = 4 * len(pairs(inputs))
    return [*found, DenseFeature(_MATCH, width)] if width else found


def _labels(peer: Peer, labels: Mapping[str, NDArray[np.float32]]) -> tuple[Any, Any]:
    """Return labels as they are learnt, 0 where they teach nothing, and where they teach, [n, tasks] each."""
    known = np.stack([learnt_rows(labels, task) for task in peer.tasks], axis=1)
    scales = [peer.statistics.get(task.name, LabelStatistics()) for task in peer.tasks]
    scaled = [(labels[t.name] - s.mean) / s.std for t, s in zip(peer.tasks, scales, strict=True)]
    values = np.where(known, np.stack(scaled, axis=1), 0)
    return torch.from_numpy(values.astype(np.float32)), torch.from_numpy(known.astype(np.float32))


def _losses(tasks: Sequence[spec.Task], predicted: Any, labels: Any, known: Any) -> Any:
    """Return each task's mean loss over the rows that teach it, [tasks]; 0 where none does."""
    apart = []
    for k, task in enumerate(tasks):
        p, y = predicted[:, k], labels[:, k]
        apart.append(binary_cross_entropy(p, y, reduction="none") if task.kind == "binary" else (p - y) ** 2)
    return (torch.stack(apart, dim=1) * known).sum(dim=0) / known.sum(dim=0).clamp(min=1)
