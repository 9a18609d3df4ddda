"""Numbers that are encoded together are what each is alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tfrs_mtl.dataset.encoders.number import NumberEncoder
from tfrs_mtl.dataset.encoders.numbers import Numbers
from tfrs_mtl.schema import DType, Feature
from tfrs_mtl.spec import Input

_VALUES = st.lists(st.none() | st.floats(width=64) | st.sampled_from([0.0, -1.0, 1e300]), max_size=8)


@given(st.lists(st.tuples(_VALUES, st.sampled_from([None, 2, 5])), max_size=4), st.data())
def test_they_are_what_each_is_alone(
    trained: list[tuple[list[float | None], int | None]], data: st.DataObject
) -> None:
    encoders = [
        NumberEncoder.fit(
            _feature(n, buckets), pa.array(values, pa.float64()), np.zeros(len(values), np.int64)
        )
        for n, (values, buckets) in enumerate(trained)
    ]
    rows = data.draw(st.integers(0, 5))
    one = st.lists(st.none() | st.floats(width=64), min_size=rows, max_size=rows)
    columns = {encoder.feature: pa.array(data.draw(one), pa.float64()) for encoder in encoders}
    times = np.zeros(rows, np.int64)
    for encoder, together in zip(encoders, Numbers(encoders).encode(columns, times), strict=True):
        alone = encoder.encode(columns, times)
        np.testing.assert_array_equal(together.dense, alone.dense)
        assert together.sparse.keys() == alone.sparse.keys()
        for name, ids in alone.sparse.items():
            np.testing.assert_array_equal(together.sparse[name], ids)


def _feature(number: int, buckets: int | None) -> Feature:
    options = Input(buckets=buckets)
    return Feature(f"v__x{number}", "v", f"x{number}", DType("float", False, "Float64"), "number", options)
