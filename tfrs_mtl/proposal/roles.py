"""Who asks, what is recommended, and where both are found: guessed where a registry leaves no choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tfrs_mtl.errors import RequestError, listing, nearest
from tfrs_mtl.schema import Catalogue, Column, Entity, Service, View


@dataclass(frozen=True)
class Wishes:
    """What the caller has said already; None, or nothing, where it is to be guessed.

    Attributes:
        view: the interactions.
        query, item: entities.
        labels: columns of the interactions; the first says what is to be recommended.
        query_features, item_features: feature services.
    """

    view: str | None = None
    query: str | None = None
    item: str | None = None
    labels: tuple[str, ...] = ()
    query_features: str | None = None
    item_features: str | None = None


@dataclass(frozen=True)
class Party:
    """The query or the item: its entity, the key in the interactions, its service if there is one."""

    entity: Entity
    key: Column
    service: Service | None


@dataclass(frozen=True)
class Roles:
    """The parts of a registry that a recommender stands on."""

    events: View
    query: Party
    item: Party


def find_roles(catalogue: Catalogue, wishes: Wishes) -> Roles:
    """Return the roles.

    Raises:
        RequestError: the registry leaves a choice, or has nothing to choose from; the message lists it.
    """
    events = _events(catalogue, wishes.view)
    query, item = _sides(events, wishes)
    return Roles(
        events,
        _party(catalogue, events, query, wishes.query_features, "--query-features"),
        _party(catalogue, events, item, wishes.item_features, "--item-features"),
    )


def _events(catalogue: Catalogue, wished: str | None) -> View:
    if not catalogue.views:
        raise RequestError(f"no feature view in {catalogue.origin}; run `feast apply` first")
    if wished is not None and wished not in catalogue.views:
        raise RequestError(f"--view: no feature view {wished!r}; {nearest(wished, list(catalogue.views))}")
    joining = [view for view in catalogue.views.values() if len(view.entities) > 1]
    if wished is not None:
        joining = [view for view in joining if view.name == wished]
    if not joining:
        which = f"feature view {wished!r} joins" if wished else f"no feature view in {catalogue.origin} joins"
        held = ", ".join(f"{view.name} ({' and '.join(view.entities)})" for view in catalogue.views.values())
        raise RequestError(
            f"{which} {'one entity alone' if wished else 'two entities'}: the interactions are a view of who "
            f"met what, with both join keys; there are: {held}"
        )
    if len(joining) > 1:
        held = "; ".join(f"{view.name} ({' and '.join(view.entities)})" for view in joining)
        raise RequestError(
            f"several feature views join entities; say by --view which the interactions are: {held}"
        )
    return joining[0]


def _sides(events: View, wishes: Wishes) -> tuple[str, str]:
    """Return the names of the query and the item; with one of them said, the other follows."""
    for option, name in (("--query", wishes.query), ("--item", wishes.item)):
        if name is not None and name not in events.entities:
            raise RequestError(
                f"{option}: feature view {events.name!r} has no entity {name!r}; "
                f"{nearest(name, events.entities)}"
            )
    if wishes.query is not None and wishes.query == wishes.item:
        raise RequestError(f"--query and --item are both {wishes.query!r}; expected two entities")
    query = wishes.query or _other(events, wishes.item)
    item = wishes.item or _other(events, wishes.query)
    if query is None or item is None:
        ways = " or ".join(f"--query {name}" for name in events.entities)
        both = "" if len(events.entities) == 2 else ", and by --item what is recommended"
        raise RequestError(
            f"feature view {events.name!r} joins {listing(events.entities)}: say who asks{both}: {ways}"
        )
    return query, item


def _other(events: View, known: str | None) -> str | None:
    others = [name for name in events.entities if name != known]
    return others[0] if known is not None and len(others) == 1 else None


def _party(catalogue: Catalogue, events: View, name: str, wished: str | None, option: str) -> Party:
    if name not in catalogue.entities:
        raise RequestError(
            f"feature view {events.name!r} names the entity {name!r}, which {catalogue.origin} lacks"
        )
    entity = catalogue.entities[name]
    key = next((column for column in events.keys if column.name == entity.join_key), None)
    if key is None:
        raise RequestError(
            f"feature view {events.name!r} has no column {entity.join_key!r} of entity {name!r}"
        )
    return Party(entity, key, _service(catalogue.services.values(), entity, wished, option))


def _service(services: Iterable[Service], entity: Entity, wished: str | None, option: str) -> Service | None:
    """Return the one service that holds the entity's views alone; None where there is none."""
    fitting = {service.name: service for service in services if _is_of(service, entity)}
    if wished is not None:
        if wished not in fitting:
            raise RequestError(
                f"{option}: no feature service {wished!r} with views keyed by {entity.join_key!r} alone; "
                f"{nearest(wished, list(fitting))}"
            )
        return fitting[wished]
    if len(fitting) > 1:
        raise RequestError(
            f"several feature services hold views of {entity.name!r} alone; say by {option} which is to be "
            f"read: {listing(fitting)}"
        )
    return next(iter(fitting.values()), None)


def _is_of(service: Service, entity: Entity) -> bool:
    callers = {tuple(caller for _, caller in selection.join_keys) for selection in service.selections}
    return callers == {(entity.join_key,)} and not service.foreign
