"""Business rules over one snapshot: which hold for a request, and what they do to scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving.state.masks import Mask, evaluate
from tfrs_mtl.errors import Problem, RequestError, SpecError, nearest
from tfrs_mtl.schema import Schema
from tfrs_mtl.scoring import ItemSnapshot
from tfrs_mtl.spec import Boost, Bury, Pin

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Rule:
    """A rule of the spec over a snapshot.

    Attributes:
        given: what the spec says.
        mask: where its expression holds, [items]; None where it has none.
        rows: the items that a pin names, [m]; those that the snapshot lacks are left out.
    """

    name: str
    given: Boost | Bury | Pin
    mask: Mask | None
    rows: NDArray[np.int32]

    def holds(self, at: datetime, switched: bool | None) -> bool:
        """Say whether it holds at a moment; a request that switches it on or off is obeyed at any moment."""
        if switched is not None:
            return switched
        given = self.given
        return (
            given.default
            and (given.since is None or given.since <= at)
            and (given.until is None or at < given.until)
        )

    def reweighs(self, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Say of rows of any shape whether it changes their scores; a pin changes none."""
        if isinstance(self.given, Pin) or self.mask is None:
            return np.zeros(rows.shape, np.bool_)
        return self.mask[rows] & (rows >= 0)

    def scale(self, rows: NDArray[np.int32], scores: Floats) -> Floats:
        """Return the scores of rows of any shape by the rule's factor alone, whatever their unit."""
        if isinstance(self.given, Pin):
            return scores
        factor = np.float32(self.given.factor)
        return np.where(self.reweighs(rows), np.where(scores < 0, scores / factor, scores * factor), scores)

    def reweigh(self, rows: NDArray[np.int32], scores: Floats) -> Floats:
        """Return the scores of rows of any shape, in the objective's unit, as the rule leaves them."""
        if isinstance(self.given, Pin):
            return scores
        offset = np.where(self.reweighs(rows), np.float32(self.given.offset), np.float32(0))
        return self.scale(rows, scores) + offset


def rules_over(
    schema: Schema, items: ItemSnapshot, rules: Mapping[str, Boost | Bury | Pin]
) -> tuple[Rule, ...]:
    """Evaluate the rules' expressions over a snapshot, and find the items that they name.

    Raises:
        SpecError: an expression is none over the items, or a pin names a key of another type.
    """
    keys = {name: f"serving.rules.{name}.where" for name in rules}
    wheres = {keys[name]: rule.where for name, rule in rules.items() if rule.where is not None}
    masks = evaluate(schema, items.frame, wheres)
    return tuple(
        Rule(name, rule, masks.get(keys[name]), _named(items, name, rule)) for name, rule in rules.items()
    )


def _named(items: ItemSnapshot, name: str, rule: Boost | Bury | Pin) -> NDArray[np.int32]:
    if not isinstance(rule, Pin):
        return np.empty(0, np.int32)
    try:
        keys = pa.array(rule.items, items.keys.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        where = f"serving.rules.{name}.items"
        raise SpecError(Problem(where, f"expected keys of the item ({items.keys.type}): {error}")) from error
    rows = items.lookup.find(keys)
    return rows[rows >= 0].astype(np.int32)


def rules_that_hold(rules: Sequence[Rule], switches: Mapping[str, bool], at: datetime) -> tuple[Rule, ...]:
    """Return the rules that hold for a request; RequestError for a switch without sense."""
    names = [rule.name for rule in rules]
    for name, switch in switches.items():
        if name not in names:
            raise RequestError(f"rules: no rule {name!r}; {nearest(name, names)}")
        if not isinstance(switch, bool):
            raise RequestError(f"rules.{name}: expected true or false, got {switch!r}")
    return tuple(rule for rule in rules if rule.holds(at, switches.get(rule.name)))
