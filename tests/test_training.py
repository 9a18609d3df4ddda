"""The training loop: early stopping, resuming, repeating."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent))
import training_world as world

from tfrs_mtl.dataset.examples import Block, Examples
from tfrs_mtl.errors import DataError, StoreError
from tfrs_mtl.retrieval.model import LOG_PROBABILITY
from tfrs_mtl.training.fit import fit, rate_of
from tfrs_mtl.training.history import Epoch, History

Metrics = list[float]


def _fit(model: Any, directory: Path, metrics: Metrics | Callable[[], float], **options: Any) -> History:
    metric = metrics if callable(metrics) else iter(metrics).__next__
    settings = options.pop("settings", world.SETTINGS.model_copy(update={"epochs": 3, "patience": 2}))
    examples = options.pop("examples", world.examples(500))
    return fit(model, examples, settings=settings, seed=7, validate=metric, directory=directory, **options)


def _weights(model: Any) -> list[np.ndarray]:
    return [weight.numpy() for weight in model.weights]


def _assert_equal(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def _run(directory: Path, *, die_after: int = 0) -> int:
    program = [sys.executable, world.__file__, str(directory), str(die_after)]
    root = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    return subprocess.run(program, env=environment, capture_output=True, check=False).returncode


def _saved(directory: Path) -> list[np.ndarray]:
    with np.load(directory / "weights.npz") as file:
        return [file[name] for name in file.files]


def test_a_killed_run_resumes_to_the_very_weights_of_an_uninterrupted_one(tmp_path: Path) -> None:
    """In fresh processes, so it holds the seed too: the same weights, bit by bit."""
    killed = tmp_path / "killed"
    assert _run(killed, die_after=2) == -signal.SIGKILL
    state = json.loads((killed / "state.json").read_text())
    assert 2 <= len(state["history"]["epochs"]) < world.SETTINGS.epochs
    assert not (killed / "weights.npz").exists()
    assert _run(killed) == 0
    model = world.retrieval_model()
    history = _fit(model, tmp_path / "whole", lambda: 0.0, settings=world.SETTINGS, examples=world.examples())
    _assert_equal(_saved(killed), _weights(model))
    resumed = History.from_json(json.loads((killed / "state.json").read_text())["history"])
    assert resumed.resumed_from == len(state["history"]["epochs"])
    assert [epoch.loss for epoch in resumed.epochs] == [epoch.loss for epoch in history.epochs]


@pytest.mark.parametrize("make", [world.retrieval_model, world.ranking_model])
def test_a_run_that_stopped_in_an_epoch_goes_on_from_the_one_before(
    make: Callable[[], Any], tmp_path: Path
) -> None:
    whole = make()
    _fit(whole, tmp_path / "whole", [0.1, 0.2, 0.3])
    calls = iter([0.1, 0.2])
    with pytest.raises(StopIteration):
        _fit(make(), tmp_path / "stopped", calls.__next__)
    resumed = make()
    history = _fit(resumed, tmp_path / "stopped", [0.3])
    assert history.resumed_from == 2
    assert [epoch.metric for epoch in history.epochs] == [0.1, 0.2, 0.3]
    _assert_equal(_weights(resumed), _weights(whole))


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    models = [world.ranking_model(), world.ranking_model()]
    for seed, model in enumerate(models):
        fit(
            model,
            world.examples(200),
            settings=world.SETTINGS.model_copy(update={"epochs": 1}),
            seed=seed,
            validate=lambda: 0.0,
            directory=tmp_path / str(seed),
        )
    assert any((one != other).any() for one, other in zip(*map(_weights, models), strict=True))


def test_the_loss_falls_on_what_can_be_learnt(tmp_path: Path) -> None:
    settings = world.SETTINGS.model_copy(update={"epochs": 3, "learning_rate": 0.02})
    odd = world.examples().blocks[0].arrays["user"] % 2
    examples = replace(world.examples(), labels={"buy": odd.astype(np.float32)})
    history = _fit(world.ranking_model(), tmp_path, [0.0, 0.1, 0.2], settings=settings, examples=examples)
    assert history.epochs[-1].loss < 0.05 < history.epochs[0].loss < 0.7


def test_it_stops_without_progress_and_keeps_the_best_epochs_weights(tmp_path: Path) -> None:
    model = world.ranking_model()
    seen: list[list[np.ndarray]] = []

    def validate() -> float:
        seen.append(_weights(model))
        return [0.1, 0.5, 0.4, 0.3, 0.9][len(seen) - 1]

    settings = world.SETTINGS.model_copy(update={"epochs": 5, "patience": 2})
    history = _fit(model, tmp_path, validate, settings=settings)
    assert [epoch.metric for epoch in history.epochs] == [0.1, 0.5, 0.4, 0.3]
    assert history.best == 2
    _assert_equal(_weights(model), seen[1])
    assert (seen[1][0] != seen[3][0]).any()


def test_a_finished_training_ends_at_once_with_the_same_weights(tmp_path: Path) -> None:
    first, again = world.ranking_model(), world.ranking_model()
    before = _fit(first, tmp_path, [0.3, 0.2, 0.1])
    after = _fit(again, tmp_path, [])
    assert after.epochs == before.epochs
    _assert_equal(_weights(again), _weights(first))
    assert {file.name.split(".")[0] for file in tmp_path.iterdir()} == {"state", "epoch-1", "epoch-3"}


def _truncate_state(directory: Path) -> None:
    text = (directory / "state.json").read_text()
    (directory / "state.json").write_text(text[: len(text) // 2])


def _flip_a_byte(directory: Path) -> None:
    (file,) = directory.glob("epoch-2.data*")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(bytes(content))


def _lose_a_file(directory: Path) -> None:
    (directory / "epoch-2.index").unlink()


def _empty_history(directory: Path) -> None:
    state = json.loads((directory / "state.json").read_text())
    state["history"]["epochs"] = []
    (directory / "state.json").write_text(json.dumps(state))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    model = world.ranking_model()
    _fit(model, tmp_path_factory.mktemp("fresh"), [0.1, 0.2, 0.3])
    return _weights(model)


@pytest.mark.parametrize("damage", [_truncate_state, _flip_a_byte, _lose_a_file, _empty_history])
def test_a_damaged_checkpoint_is_set_aside_and_does_no_harm(
    damage: Callable[[Path], None],
    fresh: list[np.ndarray],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    directory = tmp_path / "run"
    with pytest.raises(StopIteration):
        _fit(world.ranking_model(), directory, iter([0.1, 0.2]).__next__)
    damage(directory)
    model = world.ranking_model()
    with caplog.at_level(logging.WARNING):
        history = _fit(model, directory, [0.1, 0.2, 0.3])
    assert "cannot be resumed" in caplog.text
    assert "training starts anew" in caplog.text
    assert (tmp_path / "run.set-aside" / "state.json").exists()
    assert history.resumed_from == 0
    _assert_equal(_weights(model), fresh)


def test_a_foreign_checkpoint_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "run"
    _fit(world.ranking_model(), directory, [0.1, 0.2, 0.3], fingerprint="one spec")
    with caplog.at_level(logging.WARNING):
        history = _fit(world.ranking_model(), directory, [0.1, 0.2, 0.3], fingerprint="another spec")
    assert "it belongs to a training on other data, inputs or settings" in caplog.text
    assert history.resumed_from == 0


def test_more_epochs_go_on_from_a_finished_training(tmp_path: Path) -> None:
    _fit(world.ranking_model(), tmp_path, [0.1, 0.2, 0.3])
    longer = world.SETTINGS.model_copy(update={"epochs": 4, "patience": 2})
    history = _fit(world.ranking_model(), tmp_path, [0.4], settings=longer)
    assert (history.resumed_from, len(history.epochs)) == (3, 4)


def test_only_the_last_and_the_best_checkpoint_are_kept(tmp_path: Path) -> None:
    _fit(world.ranking_model(), tmp_path, [0.3, 0.1, 0.2])
    assert {file.name.split(".")[0] for file in tmp_path.iterdir()} == {"state", "epoch-1", "epoch-3"}


def test_a_disk_that_refuses_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="no checkpoint could be written to"):
        _fit(world.ranking_model(), tmp_path / "file", [0.1])


def test_what_is_not_a_number_is_refused_and_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="validation metric is nan in epoch 1"):
        _fit(world.ranking_model(), tmp_path / "metric", [float("nan")])
    block = world.examples(500).blocks[0]
    arrays = {**block.arrays, LOG_PROBABILITY: np.full(500, np.nan, np.float32)}
    with pytest.raises(DataError, match="loss is nan in epoch 1"):
        _fit(world.retrieval_model(), tmp_path / "loss", [0.1], examples=Examples((Block(arrays),), 500))


def test_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no examples"):
        _fit(world.ranking_model(), tmp_path, [], examples=world.examples(0))


def test_fewer_rows_than_a_batch_are_one_batch(tmp_path: Path) -> None:
    history = _fit(world.ranking_model(), tmp_path, [0.1, 0.2, 0.3], examples=world.examples(3))
    assert len(history.epochs) == 3


def test_progress_is_one_line_an_epoch(tmp_path: Path) -> None:
    for terminal in (False, True):
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=120)
        _fit(world.ranking_model(), tmp_path / str(terminal), [0.1, 0.3, 0.2], progress=console)
        text = out.getvalue()
        assert text.count("validation 0.") == 3
        assert "validation 0.3000 (best)" in text
        assert text.count("\n") == 3 or terminal


def test_histories_survive_json() -> None:
    history = History((Epoch(1, 0.5, 0.1, 2.0, 1e5), Epoch(2, 0.4, 0.3, 2.0, 1e5)), resumed_from=1)
    content = json.loads(json.dumps(history.to_json()))
    assert content["best"] == 2
    assert History.from_json(content) == history


@pytest.mark.parametrize(("final_rate", "expected"), [(1.0, [0.1, 0.1, 0.1]), (0.01, [0.1, 0.0505, 0.001])])
def test_the_learning_rate_falls_linearly_to_its_final_share(
    final_rate: float, expected: list[float]
) -> None:
    changes = {"learning_rate": 0.1, "final_rate": final_rate, "epochs": 4}
    rate = rate_of(world.SETTINGS.model_copy(update=changes), 25)
    found = [rate(step) if callable(rate) else rate for step in (0, 50, 100)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
