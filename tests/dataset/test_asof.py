"""Our point-in-time join against Feast's own, on random tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from feast.types import Int64, String
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dataset.views import (
    ASKED,
    FILES,
    NAMES,
    NUMBERS,
    STAMPS,
    Version,
    asked_rows,
    side_of,
    write_files,
    write_repo,
)
from tfrs_mtl.dataset.point_in_time import features_as_of
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
@given(kind=st.sampled_from(["number", "name"]), files=FILES, asked=ASKED, stamp=st.sampled_from(STAMPS))
def test_our_join_gives_the_rows_and_values_of_feasts(
    repos: Repos,
    kind: str,
    files: dict[str, list[Version]],
    asked: list[tuple[int, int]],
    stamp: pa.DataType,
) -> None:
    root, repo, keys = repos[kind]
    write_files(root, files, keys, stamp)
    side, rows = side_of(repo.catalogue, "all"), asked_rows(asked, keys)
    ours = features_as_of(repo, side, rows, engine="asof")
    feasts = features_as_of(repo, side, rows, engine="feast")
    assert ours.schema == feasts.schema
    assert ours.to_pydict() == feasts.to_pydict()
