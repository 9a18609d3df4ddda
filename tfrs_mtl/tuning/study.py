"""A search over settings: trials on the validation window, kept in a file, so that it survives a kill."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console

from tfrs_mtl.dataset.shop import open_shop
from tfrs_mtl.errors import DataError, TfrsMtlError, UserError
from tfrs_mtl.models import retrieval_model
from tfrs_mtl.project import Project
from tfrs_mtl.spec import Spec
from tfrs_mtl.training.fitting import fit_ranking, fit_retrieval
from tfrs_mtl.training.prepare import TrainingSets, prepare
from tfrs_mtl.training.progress import print_title
from tfrs_mtl.tuning.space import Range, Space, value_of, with_values

if TYPE_CHECKING:
    import optuna

Model = Literal["retrieval", "ranking"]
MODELS: tuple[Model, ...] = ("retrieval", "ranking")

_OF_THE_MODEL = {
    "retrieval": {
        *("dim", "hidden", "history", "normalise", "temperature", "logq", "remove_accidental_hits"),
        *("mask_positives", "item_dropout", "dropout", "mix", "index"),
    },
    "ranking": {"architecture", "hidden", "tower", "history", "dropout", "balance", "calibration"},
}
"""Keys that do not change the training sets; nor do those of a training, but for ``sample``."""


@dataclass(frozen=True)
class Trial:
    """One setting and what came of it.

    Attributes:
        number: from 0.
        values: key -> what was tried.
        metric: the validation window's, of the best epoch; None where the trial failed.
        seconds: of the trial.
        problem: why it failed.
    """

    number: int
    values: Mapping[str, Any]
    metric: float | None
    seconds: float
    problem: str | None = None


def tune(
    project: Project,
    model: Model,
    space: Space,
    *,
    trials: int,
    seed: int,
    progress: Console | None = None,
    told: Callable[[Trial], None] = lambda trial: None,
) -> tuple[Trial, ...]:
    """Try settings of one model, each trained as ``train`` does it, and return all trials so far.

    A trial's metric is what stops the training: NDCG@50 of all and of new items in the mean, or the tasks'
    ``mean_quality``, of the validation window. The first trial is the spec as it is, where the space holds
    it. Settings are drawn by the tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011; Optuna),
    each draw seeded by the seed and how many came before, so a search that was killed goes on as if it had
    not been.

    Args:
        space: keys of ``retrieval``, ``ranking`` or ``inputs``.
        trials: how many there are to be in all, earlier runs of the same search counted.
        told: called after each new trial.

    Raises:
        UserError: the extra `tune` is not installed.
        DataError: the search's file is of other settings.
    """
    study = _study(project, model, space, seed=seed)
    sets = _Sets(project, seed)
    while len(finished := _finished(study)) < trials:
        study.sampler = _optuna().samplers.TPESampler(seed=seed + len(finished))
        if not study.trials:
            _enqueue_present(study, project.spec, space)
        asked = study.ask()
        values = {key: _suggested(asked, key, dimension) for key, dimension in space.items()}
        print_title(progress, f"trial {asked.number}: {', '.join(f'{k}={v}' for k, v in values.items())}")
        began = time.perf_counter()
        metric, problem = _tried(project, model, values, sets, seed=seed, progress=progress)
        seconds = time.perf_counter() - began
        asked.set_user_attr("seconds", seconds)
        asked.set_user_attr("problem", problem)
        state = _optuna().trial.TrialState.FAIL if metric is None else None
        study.tell(asked, metric, state=state)
        told(Trial(asked.number, values, metric, seconds, problem))
    return tuple(_trials(study))


def _tried(
    project: Project,
    model: Model,
    values: Mapping[str, Any],
    sets: _Sets,
    *,
    seed: int,
    progress: Console | None,
) -> tuple[float | None, str | None]:
    """Return the metric of some settings, or why there is none."""
    directory = project.artefacts / "tuning" / f"{model}.run"
    try:
        tried = replace(project, spec=with_values(project.spec, values))
        found = sets.of(tried)
        shutil.rmtree(directory, ignore_errors=True)
        if model == "retrieval":
            towers = retrieval_model(found.preprocessor, tried.spec.retrieval)
            history = fit_retrieval(found, towers, seed=seed, directory=directory, progress=progress)
        else:
            _, history = fit_ranking(
                found, tried.spec.ranking, seed=seed, directory=directory, progress=progress
            )
    except TfrsMtlError as error:  # settings that are valid one by one need not be so together
        return None, str(error)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return history.epochs[history.best - 1].metric, None


class _Sets:
    """The training sets of a spec; made anew only where the spec changes them."""

    def __init__(self, project: Project, seed: int) -> None:
        self._seed = seed
        self._made: tuple[str, TrainingSets] | None = None
        self._shop = open_shop(project.repo, project.schema)

    def of(self, project: Project) -> TrainingSets:
        """Return the sets of the project's spec."""
        key = _data_key(project.spec)
        if self._made is None or self._made[0] != key:
            self._made = None  # two of them need not be in memory
            shop = replace(self._shop, schema=project.schema)
            self._made = key, prepare(shop, seed=self._seed)
        return self._made[1]


def _data_key(spec: Spec) -> str:
    """Return all of a spec that the training sets hang on."""
    content = spec.model_dump(mode="json")
    for section, keys in _OF_THE_MODEL.items():
        for key in keys:
            content[section].pop(key, None)
        content[section]["training"] = content[section]["training"]["sample"]
    for task in content["ranking"]["tasks"]:
        del task["weight"]
    return json.dumps(content, sort_keys=True)


def _study(project: Project, model: Model, space: Space, *, seed: int) -> optuna.Study:
    """Open the search's file, or begin it."""
    module = _optuna()
    file = project.artefacts / "tuning" / f"{model}.journal"
    file.parent.mkdir(parents=True, exist_ok=True)
    journal = module.storages.journal.JournalFileBackend(str(file))
    study: optuna.Study = module.create_study(
        storage=module.storages.JournalStorage(journal),
        study_name=model,
        direction="maximize",
        load_if_exists=True,
    )
    untouched = with_values(project.spec, {key: dimension.ends[0] for key, dimension in space.items()})
    said = json.dumps([untouched.model_dump(mode="json"), repr(sorted(space.items())), seed], sort_keys=True)
    mark = hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
    if study.user_attrs.get("of", mark) != mark:
        raise DataError(
            f"{file}: holds a search with another space, seed or recommender.yaml, whose metrics cannot be "
            "compared; move it away to begin anew"
        )
    study.set_user_attr("of", mark)
    for broken in study.get_trials(deepcopy=False, states=(module.trial.TrialState.RUNNING,)):
        study.tell(broken.number, state=module.trial.TrialState.FAIL)
        study.enqueue_trial(broken.params)  # it was killed: once more
    return study


def _finished(study: optuna.Study) -> list[Trial]:
    return [trial for trial in _trials(study) if trial.metric is not None or trial.problem]


def _trials(study: optuna.Study) -> Iterator[Trial]:
    for trial in study.get_trials(deepcopy=False):
        values = {key: _value(value) for key, value in trial.params.items()}
        attributes = trial.user_attrs
        if "seconds" in attributes:  # else it was killed
            yield Trial(trial.number, values, trial.value, attributes["seconds"], attributes["problem"])


def _enqueue_present(study: optuna.Study, spec: Spec, space: Space) -> None:
    present = {key: value_of(spec, key) for key in space}
    if all(dimension.holds(present[key]) for key, dimension in space.items()):
        study.enqueue_trial(
            {
                key: value if isinstance(space[key], Range) else _category(value)
                for key, value in present.items()
            }
        )


def _suggested(trial: optuna.Trial, key: str, dimension: Any) -> Any:
    if not isinstance(dimension, Range):
        return _value(trial.suggest_categorical(key, [_category(value) for value in dimension.values]))
    if dimension.is_whole:
        return trial.suggest_int(key, int(dimension.low), int(dimension.high), log=dimension.log)
    return trial.suggest_float(key, dimension.low, dimension.high, log=dimension.log)


def _category(value: Any) -> str:
    """Return a value as text: Optuna's categories are no lists or mappings."""
    return json.dumps(value, sort_keys=True, default=str)


def _value(stored: Any) -> Any:
    return json.loads(stored) if isinstance(stored, str) else stored


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise UserError(
            f"tfrs-mtl tune needs the extra `tune`: pip install 'tfrs-mtl[tune]' ({error})"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
