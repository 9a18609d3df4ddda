"""From a registry and its interactions to the text of a recommender.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfrs_mtl.errors import DataError
from tfrs_mtl.proposal.dates import split_moments
from tfrs_mtl.proposal.labels import LabelFacts, choose_labels, countable, find_labels
from tfrs_mtl.proposal.roles import Roles, Wishes, find_roles
from tfrs_mtl.store import TIMESTAMP, FeatureRepo


@dataclass(frozen=True)
class Proposal:
    """What a recommender.yaml to start from says.

    Attributes:
        name: of the Feast project.
        labels: the tasks' labels; the first says what is to be recommended.
        others: what else the interactions hold that a task could learn.
        validation, test: the starts of these windows.
    """

    name: str
    roles: Roles
    labels: tuple[LabelFacts, ...]
    others: tuple[LabelFacts, ...]
    validation: datetime
    test: datetime


def propose(repo: FeatureRepo, wishes: Wishes) -> Proposal:
    """Look at a registry and its interactions, and propose.

    Raises:
        RequestError: there is a choice that the wishes leave open; the message lists it.
        DataError: the interactions cannot be read, or hold nothing to learn.
    """
    roles = find_roles(repo.catalogue, wishes)
    columns = countable(roles.events)
    keys = (roles.query.key, roles.item.key)
    rows = repo.rows(roles.events, [*keys, *columns])
    rows = rows.filter(pc.and_(*(pc.is_valid(rows.column(key.name)) for key in keys)))
    if len(rows) == 0:
        raise DataError(f"feature view {roles.events.name!r}: no interaction to learn from")
    found = find_labels(columns, rows)
    labels = choose_labels(found, wishes.labels, view=roles.events)
    first = pc.fill_null(rows.column(labels[0].column.name).cast(pa.float64()), 0.0)
    times = rows.column(TIMESTAMP).cast(pa.int64()).to_numpy()
    validation, test = split_moments(times, np.asarray(first.to_numpy()) > 0)
    others = tuple(f for f in found.values() if f not in labels and not f.is_likely_id)
    return Proposal(repo.project, roles, tuple(labels), others, validation, test)
