"""Looking values up in a table that is built once, against a plain dict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tfrs_mtl.dataset.lookup import Lookup, code

_VALUES = {"int": [2**53 + 1, 2**53, -1, 0], "string": ["", "b", "ü", "7"]}


@pytest.mark.parametrize("kind", sorted(_VALUES))
@pytest.mark.parametrize("times", [1, 1000])
def test_few_values_and_many_are_found_at_the_same_places_and_null_nowhere(kind: str, times: int) -> None:
    values = _VALUES[kind]
    lookup = Lookup(pa.array(values[:3]))
    wanted: list[Any] = [values[2], None, values[3], values[0], values[1]] * times
    places = lookup.find(pa.array(wanted))
    assert places.dtype == np.int64
    assert places.tolist() == [2, -1, -1, 0, 1] * times


def test_equal_values_have_equal_codes_and_null_has_none() -> None:
    codes = code(pa.array(["b", None, "a", "b"]))
    assert codes.of_rows.tolist() == [0, -1, 1, 0]
    assert codes.lookup.find(pa.array(["a", "c"])).tolist() == [1, -1]
