"""A proposal as the text of a recommender.yaml: what it knows as keys, what it cannot know as comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime

import yaml

from tfrs_mtl.proposal.labels import LabelFacts
from tfrs_mtl.proposal.propose import Proposal
from tfrs_mtl.proposal.roles import Party
from tfrs_mtl.schema import Column

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def to_text(proposal: Proposal) -> str:
    """Return a recommender.yaml with comments; uncommented, its examples are valid too."""
    return "\n".join(_lines(proposal)) + "\n"


def _lines(proposal: Proposal) -> Iterator[str]:
    roles, labels = proposal.roles, proposal.labels
    tasks = _task_names(labels + proposal.others)
    first = _quoted(tasks[labels[0].column.name])
    yield "# By `tfrs-mtl init`. All keys: docs/bring_your_own_shop.md. After a change: `tfrs-mtl check`."
    yield "version: 1"
    yield f"name: {_quoted(_identifier(proposal.name))}"
    yield ""
    yield "# Who asks, what is recommended. `features`: the feature service of that entity's views alone."
    yield from _party("query", roles.query)
    yield from _party("item", roles.item)
    yield from _display(roles.item)
    yield ""
    yield "# The feature view whose rows are the events. Its source is read for training, and never served."
    yield "interactions:"
    yield f"  view: {_quoted(roles.events.name)}"
    yield from _context(proposal)
    yield ""
    yield "# By time: about 70% of the interactions to learn from, 15% to stop by, 15% to judge by."
    yield "split:"
    yield f"  validation: {_moment(proposal.validation)}"
    yield f"  test: {_moment(proposal.test)}"
    yield ""
    yield from _ignored(roles.query, roles.item)
    yield "retrieval:"
    yield f"  positives: {first}"
    yield ""
    yield from _ranking(proposal, tasks)
    yield ""
    yield "# The score that orders the items: the weighted sum of the tasks' expected values."
    yield "objective:"
    yield f"  {first}: 1.0"
    yield ""
    yield from _behaviour(proposal)


def _party(role: str, party: Party) -> Iterator[str]:
    yield f"{role}:"
    yield f"  entity: {_quoted(party.entity.name)}"
    if party.service is not None:
        yield f"  features: {_quoted(party.service.name)}"
    else:
        yield f"  # features: no feature service holds views of {_quoted(party.entity.name)} alone"


def _display(item: Party) -> Iterator[str]:
    selections = item.service.selections if item.service else ()
    texts = [
        c.name for s in selections for c in s.columns if c.dtype.base == "string" and not c.dtype.is_list
    ]
    if texts:
        yield f"  # display: [{', '.join(map(_quoted, texts[:3]))}]    # what people are shown beside the id"


def _context(proposal: Proposal) -> Iterator[str]:
    """Show the columns that are no label and that a request might know."""
    taken = {facts.column.name for facts in proposal.labels + proposal.others}
    columns = [c for c in proposal.roles.events.columns if c.name not in taken and not _is_unusable(c)]
    if columns:
        names = ", ".join(_quoted(c.name) for c in columns[:5])
        yield f"  # context: [{names}]    # those that a request knows when it asks"


def _ignored(*parties: Party) -> Iterator[str]:
    """Leave out the features whose type no model can take."""
    selections = [s for party in parties if party.service for s in party.service.selections]
    unusable = [(s.name, c) for s in selections for c in s.columns if _is_unusable(c)]
    if not unusable:
        return
    yield "# How features enter the models, where their type alone does not say."
    yield "inputs:"
    for view, column in unusable:
        yield f"  {_quoted(f'{view}:{column.name}')}: {{kind: ignore}}    # {column.dtype.text}"
    yield ""


def _is_unusable(column: Column) -> bool:
    is_odd_list = column.dtype.is_list and column.dtype.base in ("bool", "timestamp")
    return column.dtype.base == "unsupported" or is_odd_list


def _ranking(proposal: Proposal, tasks: dict[str, str]) -> Iterator[str]:
    main, *further = proposal.labels
    condition = f", when: {_quoted(tasks[main.column.name])}" if main.is_always_true else ""
    yield "# One model learns all tasks. `when`: learn it, and predict it, given that another task came true;"
    yield "# `delay: 28d`: the label is known only so long after the interaction."
    yield "ranking:"
    yield "  architecture: cgc"
    yield "  tasks:"
    yield f"    - {_task(main, tasks)}    # {main.text}"
    for facts in further:
        yield f"    - {_task(facts, tasks, condition)}    # {facts.text}"
    for facts in proposal.others:
        yield f"    # - {_task(facts, tasks, condition)}    # {facts.text}"
    if main.is_always_true:
        yield "  # Every interaction is a positive, so negatives are drawn from the past beside each."
        yield "  negatives: {popular: 3, uniform: 1}"
    else:
        yield "  # The interactions hold negatives of their own; else: negatives: {popular: 3, uniform: 1}"


def _task(facts: LabelFacts, tasks: dict[str, str], condition: str = "") -> str:
    name = facts.column.name
    loss = f", loss: {facts.loss}" if facts.loss else ""
    return f"{{name: {_quoted(tasks[name])}, kind: {facts.kind}, label: {_quoted(name)}{condition}{loss}}}"


def _task_names(labels: tuple[LabelFacts, ...]) -> dict[str, str]:
    """Return a valid name for the task of each label, no two alike."""
    names: dict[str, str] = {}
    for facts in labels:
        wanted = _identifier(facts.column.name)
        taken = set(names.values())
        spare = (f"{wanted[:60]}_{n}" for n in range(2, len(labels) + 2))
        names[facts.column.name] = wanted if wanted not in taken else next(s for s in spare if s not in taken)
    return names


def _behaviour(proposal: Proposal) -> Iterator[str]:
    """Show an example, and what the registry has that no file stands behind yet."""
    roles = proposal.roles
    query, item = _identifier(roles.query.entity.name), _identifier(roles.item.entity.name)
    yield "# Counts, sums and last items of the past, written by `tfrs-mtl features`. Each view is one of the"
    yield "# registry, with these fields, over a local FileSource, in the query's or the item's service."
    yield from _unwritten(roles.query, roles.item)
    yield "# behaviour:"
    yield "#   every: 1d"
    yield "#   views:"
    yield f"#     {query}_behaviour:"
    yield "#       of: query"
    yield "#       features:"
    yield "#         events_28d: {measure: count, window: 28d}"
    yield "#         days_since_event: {measure: recency}"
    yield "#         last_items: {measure: last, limit: 20}"
    yield "#         last_item_ages: {measure: ages, of: last_items}"
    yield f"#     {item}_behaviour:"
    yield "#       of: item"
    yield "#       features:"
    yield "#         met_28d: {measure: count, window: 28d}"
    yield "#         popularity_28d: {measure: popularity, window: 28d}"


def _unwritten(*parties: Party) -> Iterator[str]:
    """Name the views of the services whose file does not exist: most likely they are to be declared."""
    for party in parties:
        for selection in party.service.selections if party.service else ():
            path = selection.view.source.path
            if path is not None and not path.exists():
                fields = ", ".join(_quoted(column.name) for column in selection.columns)
                yield f"# No file yet behind {_quoted(selection.view.name)}: {fields}"


def _identifier(name: str) -> str:
    """Return a name that the spec takes: letters, digits and underscores, a letter first."""
    cleaned = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    return (cleaned if cleaned[:1].isalpha() else f"task_{cleaned}".rstrip("_"))[:64]


def _quoted(name: str) -> str:
    """Return a name as YAML reads it back, in a flow or a block."""
    is_plain = _PLAIN.fullmatch(name) and yaml.safe_load(name) == name
    return name if is_plain else json.dumps(name, ensure_ascii=False)


def _moment(moment: datetime) -> str:
    text = moment.isoformat().replace("+00:00", "Z")
    return text.removesuffix("T00:00:00Z")
