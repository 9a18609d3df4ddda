"""The schema: recommender.yaml resolved against the registry. Join keys, types and roles, all frozen."""

from __future__ import annotations

from dataclasses import dataclass, field

from tfrs_mtl.schema.catalogue import Column, DType, Service, View
from tfrs_mtl.spec import BehaviourView, Input, Kind, Spec


@dataclass(frozen=True)
class Feature:
    """One feature in one role.

    Attributes:
        name: ``view__column``, its name in every table and model of ours (Feast's full feature name).
        view: the view's name in the service.
        column: the feature's name in the view.
        dtype: its type in the registry.
        kind: how it enters the models.
        options: overrides from the ``inputs`` section.
        ages: for a history, the name of the feature that holds the ages in days.
    """

    name: str
    view: str
    column: str
    dtype: DType
    kind: Kind
    options: Input = field(default_factory=Input)
    ages: str | None = None


@dataclass(frozen=True)
class Pair:
    """A pair view: parallel arrays on the query, looked up by an attribute of the candidate.

    Attributes:
        view: the view's name.
        attribute: the item's side of the match: an item feature's name, or the item's join key.
        keys: name of the query feature that holds the attribute's values.
        features: the looked-up features; each is a number of the (query, candidate), null without a key.
    """

    view: str
    attribute: str
    keys: str
    features: tuple[Feature, ...]


@dataclass(frozen=True)
class Side:
    """The query or the item: its entity, join key and features.

    Attributes:
        features: what the models see; the arrays of pair views are not among them.
        fetched: all that must be read from Feast for this side: ``features``, pair arrays, ages, display.
        options: overrides for the id itself, from ``inputs`` under the join key's name.
    """

    entity: str
    key: Column
    service: Service | None
    features: tuple[Feature, ...]
    fetched: tuple[Feature, ...]
    options: Input = field(default_factory=Input)

    def feature(self, name: str) -> Feature:
        """Return one fetched feature by its full name."""
        return next(f for f in self.fetched if f.name == name)


@dataclass(frozen=True)
class Schema:
    """Everything the rest of the library needs to know of a shop.

    Attributes:
        events: the interactions view.
        labels: columns of ``events`` that hold labels, and those that weigh rows.
        context: features that a request brings along, one column of ``events`` each.
        display: full names of the item features that people are shown.
        behaviour: the views of the registry that we fill, with their declarations, by name.
        sensitive: full names of the features that are kept out of logs and explanations.
    """

    spec: Spec
    query: Side
    item: Side
    pairs: tuple[Pair, ...]
    context: tuple[Feature, ...]
    events: View
    labels: tuple[Column, ...]
    display: tuple[str, ...]
    behaviour: tuple[tuple[View, BehaviourView], ...]
    sensitive: frozenset[str] = frozenset()

    @property
    def history(self) -> Feature | None:
        """The query's history of item ids, if it has one: the first in the service's order."""
        return next((f for f in self.query.features if f.kind == "history"), None)
