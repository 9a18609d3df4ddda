"""What a process answers from: the state of its bundle, those of an experiment's arms, and the shadow's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from serving.answer import Key
from serving.state.experiment import arm_of
from serving.state.state import State, load_state
from tfrs_mtl.bundle.store import CURRENT
from tfrs_mtl.errors import BundleError
from tfrs_mtl.project import Project


@dataclass(frozen=True)
class Deployment:
    """States that are taken together and replaced together.

    Attributes:
        state: of the recommender's own bundle.
        arms: arm -> its state; none without an experiment.
        shadow: what is asked besides, to compare; None without one.
    """

    state: State
    arms: Mapping[str, State] = field(default_factory=dict)
    shadow: State | None = None

    def by_state(self, queries: Sequence[Key]) -> list[tuple[State, list[int]]]:
        """Return each state that answers any of the queries, with their positions."""
        experiment = self.state.settings.experiment
        if experiment is None:
            return [(self.state, list(range(len(queries))))]
        places: dict[str, list[int]] = {}
        for place, query in enumerate(queries):
            places.setdefault(arm_of(experiment, query), []).append(place)
        return [(self.arms[arm], held) for arm, held in places.items()]

    def changed(self, change: Callable[[State], State]) -> Deployment:
        """Return the states changed; those of one bundle are changed once."""
        done: dict[str, State] = {}

        def new(state: State) -> State:
            if state.bundle not in done:
                done[state.bundle] = change(state)
            return replace(done[state.bundle], arm=state.arm)

        arms = {name: new(state) for name, state in self.arms.items()}
        return Deployment(new(self.state), arms, None if self.shadow is None else new(self.shadow))


def deploy(live: Project, bundle: str) -> Deployment:
    """Load a bundle, and those that the live spec's ``serving`` asks for beside it, each once.

    An arm or shadow of ``current`` is the recommender's own bundle.

    Raises:
        BundleError, SpecError: see ``load_state``; the message names the arm.
    """
    state = load_state(live, bundle)
    loaded = {CURRENT: state, state.bundle: state}

    def of(name: str, where: str) -> State:
        if name not in loaded:
            try:
                loaded[name] = load_state(live, name)
            except BundleError as error:
                raise BundleError(f"serving.{where}.bundle: {error}") from error
        return loaded[name]

    experiment, shadow = state.settings.experiment, state.settings.shadow
    given = {} if experiment is None else experiment.arms
    arms = {name: replace(of(arm.bundle, f"experiment.arms.{name}"), arm=name) for name, arm in given.items()}
    return Deployment(state, arms, None if shadow is None else of(shadow.bundle, "shadow"))
