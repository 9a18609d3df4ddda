"""A search for better settings: resumable, the same again, and untouched by what does not fit together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.built import Built, run
from tfrs_mtl.tuning import Choice, Range, Space, study, tune

SPACE: Space = {
    "ranking.hidden": Choice(([8], [8, 4])),
    "ranking.training.learning_rate": Range(0.001, 0.1, log=True),
    "ranking.training.epochs": Choice((1,)),
    "ranking.training.sample": Choice((2000,)),
}


def test_a_killed_search_goes_on_as_if_it_had_not_been(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tune(replace(built.project, artefacts=tmp_path / "a"), "ranking", SPACE, trials=3, seed=1)
    assert [trial.number for trial in whole] == [0, 1, 2]
    assert len({trial.metric for trial in whole}) == 3
    fit, calls = study.fit_ranking, []

    def fit_twice(*args: object, **kwargs: object) -> object:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fit(*args, **kwargs)  # type: ignore[arg-type]

    project = replace(built.project, artefacts=tmp_path / "b")
    monkeypatch.setattr(study, "fit_ranking", fit_twice)
    with pytest.raises(KeyboardInterrupt):
        tune(project, "ranking", SPACE, trials=3, seed=1)
    again = tune(project, "ranking", SPACE, trials=3, seed=1)
    assert [trial.values for trial in again] == [trial.values for trial in whole]
    metrics = [[trial.metric for trial in some] for some in (again, whole)]
    np.testing.assert_allclose(*metrics, rtol=1e-4)  # training on several threads adds in another order
    assert sorted(path.name for path in (tmp_path / "b" / "tuning").iterdir()) == ["ranking.journal"]


def test_the_command_tries_the_present_settings_first_and_says_what_was_best(
    built: Built, tmp_path: Path
) -> None:
    own = built.project.spec.retrieval
    space = tmp_path / "tune.yaml"
    space.write_text(f"retrieval.dim: [{own.dim}, 6]\nretrieval.training.epochs: [{own.training.epochs}]\n")
    shared = ("-c", str(built.path), "--artefacts", str(tmp_path / "artefacts"), "tune", "retrieval")
    found = run(*shared, "--space", str(space), "--trials", "1")
    assert found.exit_code == 0, found.output
    assert f"retrieval.dim: {own.dim}" in found.stdout
    other = run(*shared, "--space", str(space), "--trials", "1", "--seed", "99")
    assert other.exit_code == 2
    assert "retrieval.journal" in other.output


def test_settings_that_do_not_go_together_fail_alone(built: Built, tmp_path: Path) -> None:
    chained: Space = {**SPACE, "ranking.architecture": Choice(("aitm", "esmm", "dbmtl", "single"))}
    project = replace(built.project, artefacts=tmp_path)
    for trial in tune(project, "ranking", chained, trials=3, seed=2):
        assert (trial.metric is None) == (trial.problem is not None)
