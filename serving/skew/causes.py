"""Why the online store holds another value: by asking the offline store as of the held value's own time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving.skew.compare import Difference, differing
from tfrs_mtl.dataset.frames import Frame, flat
from tfrs_mtl.dataset.interactions import moments
from tfrs_mtl.dataset.point_in_time import features_as_of
from tfrs_mtl.schema import Side
from tfrs_mtl.store import TIMESTAMP, FeatureRepo

Cause = Literal["absent", "older", "newer", "value"]
"""``absent``: the online store holds nothing of the view. ``older``: it holds what was right earlier, or what
has expired by now. ``newer``: a version from after the moment. ``value``: what never was right offline."""


_WITHIN_THE_SECOND = 999_999  # Feast cuts an event time online to whole seconds


def explained(
    repo: FeatureRepo,
    side: Side,
    differences: tuple[Difference, ...],
    *,
    keys: pa.Array,
    served: Frame,
    written: Mapping[str, pa.Array],
) -> tuple[Difference, ...]:
    """Return a side's differences with their causes, and the event time of each example.

    Args:
        keys: join keys of the rows of ``served``, [n].
        written: view -> event time of what the online store holds, [n], null where nothing.
    """
    ttls = {s.name: s.view.ttl for s in side.service.selections} if side.service is not None else {}
    found = []
    for given in differences:
        feature = next((f for f in side.fetched if f.name == given.feature), None)
        stamps = None if feature is None else written.get(feature.view)
        if feature is None or stamps is None:
            found.append(given)
            continue
        rows = pa.array(given.where)
        held, times = stamps.take(rows), served.times[given.where]
        narrow = replace(side, fetched=(feature,))
        then = features_as_of(repo, narrow, _asked(side, keys.take(rows), held, times)).column(feature.name)
        differs = differing(flat(then), served.columns[feature.name].take(rows))
        ttl = ttls[feature.view]
        causes: Counter[str] = Counter(
            _cause(stamp, bool(d), int(t), ttl) for stamp, d, t in zip(held, differs, times, strict=True)
        )
        example = replace(given.example, written=held[0].as_py())
        found.append(replace(given, causes=dict(causes), example=example))
    return tuple(found)


def _asked(side: Side, keys: pa.Array, held: pa.Array, times: NDArray[np.int64]) -> pa.Table:
    stamps = held.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    asked = np.where(held.is_null().to_numpy(zero_copy_only=False), times, stamps + _WITHIN_THE_SECOND)
    return pa.table({side.key.name: keys, TIMESTAMP: moments(asked)})


def _cause(stamp: pa.Scalar, differs: bool, time: int, ttl: timedelta | None) -> Cause:
    if not stamp.is_valid:
        return "absent"
    if ttl is not None and time - stamp.value > ttl // timedelta(microseconds=1):
        return "older"
    if differs:
        return "value"
    return "older" if stamp.value < time else "newer"
