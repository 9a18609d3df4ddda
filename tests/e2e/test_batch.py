"""Recommendations for everyone: whole, the same again, the same as online."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from serving import Recommender
from tests.e2e.built import Built
from tfrs_mtl.dataset.interactions import microseconds

_FREE = {"bazaar": ["order", "gift", "keep"], "cinema": ["click", "cart", "order"]}
"""The binary tasks, whose predictions are shares or probabilities."""


def _scored(built: Built, target: Path, *options: str) -> pd.DataFrame:
    built.json("batch-score", "--to", str(target), *options)
    return pq.read_table(target).to_pandas()


@pytest.fixture(scope="module")
def everyone(built: Built, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return _scored(built, tmp_path_factory.mktemp(built.name) / "all.parquet")


def test_every_query_gets_k_different_items_ranked_without_gaps(built: Built, everyone: pd.DataFrame) -> None:
    k = built.project.spec.batch.k
    assert set(everyone["query"]) == set(built.shop.queries.keys.to_pylist())
    assert (everyone.groupby("query").size() == k).all()
    assert (everyone.groupby("query")["item"].nunique() == k).all()
    assert (everyone["rank"].to_numpy().reshape(-1, k) == np.arange(1, k + 1)).all()
    assert (np.diff(everyone["score"].to_numpy().reshape(-1, k)) <= 0).all()


def test_it_has_a_prediction_of_every_task_and_says_of_when_it_is(
    built: Built, everyone: pd.DataFrame
) -> None:
    assert list(everyone) == [
        *("run_id", "query", "rank", "item", "score"), *built.tasks, *("degraded", "at", "created"),
    ]  # fmt: skip
    assert np.isfinite(everyone[list(built.tasks)].to_numpy()).all()
    shares = everyone[_FREE[built.name]].to_numpy()
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert set(everyone["at"]) == {pd.Timestamp(built.at)}


def test_different_queries_get_different_items(everyone: pd.DataFrame) -> None:
    lists = everyone.groupby("query")["item"].apply(frozenset)
    assert lists.nunique() > 0.5 * len(lists)


def test_items_that_the_models_never_met_are_among_the_recommended(
    built: Built, everyone: pd.DataFrame
) -> None:
    shop = built.shop
    met = np.unique(shop.item_codes[shop.interactions.times < shop.windows.train.end])
    met_keys = set(shop.items.keys.take(pa.array(met)).to_pylist())
    assert set(everyone["item"]) - met_keys
    assert set(everyone["item"]) <= set(shop.items.keys.to_pylist())


def test_an_item_that_nobody_has_met_yet_can_be_recommended(built: Built, tmp_path: Path) -> None:
    shop = built.shop
    first = np.full(len(shop.items), np.iinfo(np.int64).max)
    np.minimum.at(first, shop.item_codes, shop.interactions.times)
    waits = np.where(shop.items.since > shop.windows.test.start, first - shop.items.since, 0)
    cold = int(waits.argmax())
    assert waits[cold] > 3_600_000_000
    moment = datetime.fromtimestamp(shop.items.since[cold] / 1e6 + 1800, tz=timezone.utc)
    options = (
        "--at",
        moment.isoformat(),
        "--k",
        "5000",
        "--queries",
        str(_file(tmp_path, "text", "", [_first(built)])),
    )
    found = _scored(built, tmp_path / "cold.parquet", *options)
    row = found[found["item"] == shop.items.keys[cold].as_py()]
    assert len(row) == 1
    assert np.isfinite(row[["score", *built.tasks]].to_numpy(dtype=float)).all()
    assert len(found) == shop.items.known(microseconds(moment)) < len(shop.items)


def _first(built: Built) -> Any:
    return built.shop.queries.keys[0].as_py()


def test_the_same_run_twice_is_the_same(built: Built, everyone: pd.DataFrame, tmp_path: Path) -> None:
    again = _scored(built, tmp_path / "again.parquet")
    pd.testing.assert_frame_equal(again.drop(columns="created"), everyone.drop(columns="created"))


@pytest.fixture
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return f"sqlite:///{tmp_path / 'shop.db'}"


@pytest.mark.parametrize(
    "databases", ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)], indirect=True
)
def test_a_database_holds_what_the_file_holds_and_a_repeated_run_once(
    built: Built, everyone: pd.DataFrame, databases: str
) -> None:
    table, engine = f"e2e_{built.name}_{uuid4().hex[:8]}", sa.create_engine(databases, poolclass=sa.NullPool)
    try:
        for _ in range(2):
            facts = built.json("batch-score", "--to", databases, "--table", table)
        with engine.connect() as connection:
            rows = (
                connection.execute(sa.text(f'SELECT * FROM "{table}" ORDER BY query, rank')).mappings().all()
            )
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text(f'DROP TABLE IF EXISTS "{table}"'))
    assert facts["rows"] == len(rows) == len(everyone)
    expected = {(row.query, row.rank): (row.item, pytest.approx(row.score)) for row in everyone.itertuples()}
    assert {(row["query"], row["rank"]): (row["item"], row["score"]) for row in rows} == expected


@pytest.mark.parametrize("kind", ["text", "parquet"])
def test_a_file_of_queries_is_answered_unknown_ones_with_what_is_popular(
    built: Built, everyone: pd.DataFrame, tmp_path: Path, kind: str
) -> None:
    key = built.project.schema.query.key
    unknown = 999_999_999 if key.dtype.base == "int" else "nobody has this key"
    known = [everyone["query"].iloc[0], everyone["query"].iloc[-1]]
    found = _scored(
        built, tmp_path / "some.parquet", "--queries", str(_file(tmp_path, kind, key.name, [*known, unknown]))
    )
    assert list(dict.fromkeys(found["query"])) == [*known, unknown]
    assert set(found.loc[found["query"] == unknown, "degraded"]) == {"unknown_query"}
    assert (found["query"] == unknown).sum() == built.project.spec.batch.k
    same = ["query", "rank", "item"]
    before = everyone[everyone["query"].isin(known)].sort_values(same[:2])[same]
    now = found[found["query"].isin(known)].sort_values(same[:2])[same]
    assert before.values.tolist() == now.values.tolist()


def _file(root: Path, kind: str, key: str, queries: list[Any]) -> Path:
    if kind == "text":
        file = root / "queries.txt"
        file.write_text("\n".join(map(str, [*queries, queries[0], ""])), encoding="utf-8")
    else:
        file = root / "queries.parquet"
        pq.write_table(pa.table({key: [*queries, queries[0]]}), file)
    return file


def test_more_than_the_catalogue_is_the_catalogue(built: Built, tmp_path: Path) -> None:
    queries = tmp_path / "one.txt"
    queries.write_text(str(_first(built)), encoding="utf-8")
    found = _scored(built, tmp_path / "one.parquet", "--queries", str(queries), "--k", "5000")
    assert sorted(found["item"]) == sorted(built.shop.items.keys.to_pylist())
    assert list(found["rank"]) == list(range(1, len(found) + 1))


def test_online_answers_what_the_batch_answered(built: Built, everyone: pd.DataFrame) -> None:
    recommender = Recommender.load(built.path)
    asked = list(dict.fromkeys(everyone["query"]))[::6]
    by_query = dict(list(everyone.groupby("query")))
    degraded = 0
    for query in asked:
        batch, online = by_query[query], recommender.recommend(query, at=built.at)
        assert [item.item for item in online.items] == batch["item"].tolist(), query
        for task in built.tasks:
            ours = [item.predictions[task] for item in online.items]
            np.testing.assert_allclose(ours, batch[task], rtol=1e-4, atol=1e-5, err_msg=f"{query} {task}")
        reason = batch["degraded"].iloc[0]
        assert online.degraded == ((reason,) if reason else ())
        degraded += online.degraded != ()
    assert degraded < 0.2 * len(asked)
