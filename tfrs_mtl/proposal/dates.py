"""Where to split the interactions by time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.errors import DataError

_SHARES = (0.70, 0.85)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DAY, _HOUR, _SECOND = 86_400_000_000, 3_600_000_000, 1_000_000


def split_moments(times: NDArray[np.int64], is_positive: NDArray[np.bool_]) -> tuple[datetime, datetime]:
    """Return the starts of validation and test: 70 % and 85 % of the interactions lie before them.

    They are whole days where the windows stay filled, else whole hours, seconds or microseconds.

    Args:
        times: microseconds since the Unix epoch, ascending, [n].
        is_positive: whether there is something to recommend in it, [n].

    Raises:
        DataError: a window would be empty, or there would be nothing to learn from.
    """
    exact = [int(times[min(int(share * len(times)), len(times) - 1)]) for share in _SHARES]
    for unit in (_DAY, _HOUR, _SECOND, 1):
        validation, test = (moment // unit * unit for moment in exact)
        bounds = np.searchsorted(times, [validation, test])
        if is_positive[: bounds[0]].any() and bounds[0] < bounds[1] < len(times):
            return _moment(validation), _moment(test)
    raise DataError(
        f"{len(times):,} interactions from {_moment(int(times[0]))} to {_moment(int(times[-1]))}, "
        f"{int(is_positive.sum()):,} of them positive: too few to split by time in three"
    )


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
