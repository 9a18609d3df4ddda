"""Our point-in-time join against Feast's own, on random tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pyarrow as pa
import pytest
from feast.types import Int64, String
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dataset.views import (
    FIELDS,
    FILES,
    NAMES,
    NUMBERS,
    SHAPES,
    STAMPS,
    Version,
    asked_of,
    asked_rows,
    side_of,
    write_files,
    write_repo,
)
from tfrs_mtl.dataset.point_in_time import Engine, features_as_of
from tfrs_mtl.store import FeatureRepo, open_repo

Repos = dict[str, tuple[Path, FeatureRepo, Sequence[int | str]]]


@pytest.fixture(scope="module")
def repos(tmp_path_factory: pytest.TempPathFactory) -> Repos:
    made: Repos = {}
    for name, key_type, keys in (("number", Int64, NUMBERS), ("name", String, NAMES)):
        root = tmp_path_factory.mktemp(name)
        write_repo(root, key_type)
        made[name] = (root, open_repo(root), keys)
    return made


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(
    kind=st.sampled_from(["number", "name"]),
    world=FILES.flatmap(lambda files: st.tuples(st.just(files), asked_of(files))),
    stamp=st.sampled_from(STAMPS),
)
def test_our_join_gives_the_rows_and_values_of_feasts(
    repos: Repos,
    kind: str,
    world: tuple[dict[str, list[Version]], list[tuple[int, int]]],
    stamp: pa.DataType,
) -> None:
    root, repo, keys = repos[kind]
    files, asked = world
    write_files(root, files, keys, stamp)
    side, rows = side_of(repo.catalogue, "all"), asked_rows(asked, keys)
    ours = features_as_of(repo, side, rows, engine="asof")
    feasts = features_as_of(repo, side, rows, engine="feast")
    assert ours.schema == feasts.schema
    assert ours.to_pydict() == feasts.to_pydict()


def test_of_equal_times_the_one_written_last_counts_and_one_without_a_writing_time_last(repos: Repos) -> None:
    root, repo, keys = repos["number"]
    for order in permutations((None, 1, 2)):
        for left_out in (None, 1, 2):
            rows = [_version(written) for written in order if written != left_out or written is None]
            write_files(root, {**_NOTHING, "forever": rows}, keys, STAMPS[0])
            asked = asked_rows([(0, 5)], keys)
            for engine in _ENGINES:
                found = features_as_of(repo, side_of(repo.catalogue, "all"), asked, engine=engine)
                assert found["forever__whole"].to_pylist() == [max(r.written or 0 for r in rows)]


def test_where_nothing_tells_two_rows_apart_the_last_in_the_file_counts(repos: Repos) -> None:
    root, repo, keys = repos["number"]
    rows = [
        replace(_version(written), values={**_NULLS, "whole": n}) for written in (3, None) for n in range(4)
    ]
    for stretch, last in ((rows, 3), (rows[4:], 3), (rows[4:6], 1), (rows[1:3], 2)):
        write_files(root, {**_NOTHING, "forever": stretch}, keys, STAMPS[0])
        found = features_as_of(
            repo, side_of(repo.catalogue, "all"), asked_rows([(0, 5)], keys), engine="asof"
        )
        assert found["forever__whole"].to_pylist() == [last]


def test_rows_come_out_as_they_went_in_whatever_their_order_and_number(repos: Repos) -> None:
    root, repo, keys = repos["number"]
    write_files(
        root,
        {**_NOTHING, "forever": [_version(n, key=key) for n in (1, 2) for key in range(4)]},
        keys,
        STAMPS[0],
    )
    asked = [(key, time) for time in (9, -9) for key in (4, 3, 0, 0, 2, 1, 3)] * 3
    for engine in _ENGINES:
        found = features_as_of(repo, side_of(repo.catalogue, "all"), asked_rows(asked, keys), engine=engine)
        expected = [2 if key < 4 and time > 0 else None for key, time in asked]
        assert found["forever__whole"].to_pylist() == expected


def test_no_rows_give_every_column_and_none(repos: Repos) -> None:
    _, repo, keys = repos["number"]
    side = side_of(repo.catalogue, "all")
    found = features_as_of(repo, side, asked_rows([], keys))
    assert len(found) == 0
    assert found.column_names == [f.name for f in side.fetched]


_ENGINES: tuple[Engine, ...] = ("asof", "feast")
_NOTHING: dict[str, list[Version]] = {name: [] for name in SHAPES}
_NULLS = dict.fromkeys(FIELDS)


def _version(written: int | None, *, key: int = 0) -> Version:
    """Return a version of moment 0 whose value is its writing time."""
    return Version(key, 0, written, {**_NULLS, "whole": written or 0})
