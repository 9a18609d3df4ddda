"""Which items a request lets through: conditions on their columns, and the shop's own named filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from serving.answer import Value
from serving.state import Mask, State
from serving.wishes import Condition
from tfrs_mtl.dataset.frames import Frame
from tfrs_mtl.errors import RequestError, nearest
from tfrs_mtl.schema import Feature, Schema
from tfrs_mtl.store import arrow_type

_BOUNDS = ("min", "max", "not")


def allowed_by(state: State, filters: Mapping[str, Condition]) -> Mask | None:
    """Return which items of the snapshot may come, [items]; None where all may. See ``allowed_among``."""
    return allowed_among(state, state.items.frame, state.masks, filters)


def allowed_among(
    state: State, items: Frame, masks: Mapping[str, Mask], filters: Mapping[str, Condition]
) -> Mask | None:
    """Return which of some items may come, [items]; None where all may.

    Args:
        masks: the spec's filters over them, by name.
        filters: item feature -> condition; or name of one of the spec's filters -> whether it holds.

    Raises:
        RequestError: a name that is neither, or a condition that does not fit the column's type.
    """
    columns = item_columns(state.schema)
    for name in filters:
        if name not in columns and name not in masks:
            raise RequestError(
                f"filters: no item feature or filter {name!r}; {nearest(name, [*columns, *masks])}"
            )
    own = state.settings.filters
    held = [masks[name] for name in masks if filters.get(name, own[name].default) is True]
    for name, condition in filters.items():
        if name not in masks:
            held.append(_holds(name, columns[name], items.columns[columns[name].name], condition))
        elif not isinstance(condition, bool):
            raise RequestError(f"filters.{name}: expected true or false, got {condition!r}")
    return np.logical_and.reduce(held) if held else None


def item_columns(schema: Schema) -> dict[str, Feature]:
    """Return the item features by the names a request may use: ``view:column``, and a bare unique one."""
    features = schema.item.fetched
    bare = [feature.column for feature in features]
    named = {f"{feature.view}:{feature.column}": feature for feature in features}
    return {**named, **{f.column: f for f in features if bare.count(f.column) == 1}}


def checked_caps(schema: Schema, caps: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return the caps by full feature name.

    Raises:
        RequestError: a name that is no item feature, or one that holds lists.
    """
    columns = item_columns(schema) if caps else {}
    for name in caps:
        if name not in columns:
            raise RequestError(f"diversity.caps: no item feature {name!r}; {nearest(name, list(columns))}")
        if columns[name].dtype.is_list:
            raise RequestError(
                f"diversity.caps.{name}: expected one value an item, got {columns[name].dtype.text}"
            )
    return tuple((columns[name].name, most) for name, most in caps.items())


def _holds(name: str, feature: Feature, column: pa.Array, condition: Condition) -> Mask:
    if not isinstance(condition, Mapping):
        return _among(name, feature, column, condition)
    if not condition or set(condition) - set(_BOUNDS):
        raise RequestError(f"filters.{name}: expected some of min, max and not, got {sorted(condition)}")
    mask = np.ones(len(column), np.bool_)
    for bound, compare in (("min", pc.greater_equal), ("max", pc.less_equal)):
        if bound in condition:
            mask &= _compared(f"{name}.{bound}", feature, column, condition[bound], compare)
    return mask & ~_among(f"{name}.not", feature, column, condition["not"]) if "not" in condition else mask


def _among(name: str, feature: Feature, column: pa.Array, wanted: Value | Sequence[Value]) -> Mask:
    """Say where a value is among the wanted, or where a list holds one of them."""
    values = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Sequence) else list(wanted)
    kind = arrow_type(feature.dtype)
    known = _typed(name, feature, values, kind.value_type if feature.dtype.is_list else kind)
    if not feature.dtype.is_list:
        return _mask(pc.is_in(column, value_set=known))
    mask = np.zeros(len(column), np.bool_)
    hits = _mask(pc.is_in(column.flatten(), value_set=known))
    mask[pc.list_parent_indices(column).to_numpy()[hits]] = True
    return mask


def _compared(
    name: str, feature: Feature, column: pa.Array, bound: Value | Sequence[Value], compare: pc.Function
) -> Mask:
    if feature.dtype.is_list or feature.dtype.base == "bool":
        raise RequestError(f"filters.{name}: {feature.dtype.text} has no order; filter by its values")
    (limit,) = _typed(name, feature, [bound], column.type)
    return _mask(compare(column, limit))


def _typed(name: str, feature: Feature, values: Sequence[object], kind: pa.DataType) -> pa.Array:
    is_bool = feature.dtype.base == "bool"
    try:
        if any(value is None or (isinstance(value, bool) != is_bool) for value in values):
            raise TypeError("null" if None in values else "true and false are for Bool alone")
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, OverflowError, UnicodeEncodeError) as error:
        raise RequestError(
            f"filters.{name}: expected {feature.dtype.text}, got {list(values)!r}: {error}"
        ) from error


def _mask(found: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), np.bool_)
