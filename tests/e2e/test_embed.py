"""The towers' vectors as feature views: what Feast serves of them is what the towers give."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore

from tests.e2e.built import Built, run, start_feast
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.bundle.contents import open_contents


@pytest.fixture
def repo(built: Built, tmp_path: Path) -> Path:
    """The shop once more, to add definitions to; its registry stays: it would drop the original's tables."""
    copied = tmp_path / "repo"
    shutil.copytree(built.path, copied, ignore=shutil.ignore_patterns("*.db", "*.db-*"))
    _feast(copied, "apply")
    return copied


def _feast(repo: Path, *arguments: str) -> None:
    done = start_feast(repo, *arguments)
    _, errors = done.communicate()
    assert done.returncode == 0, errors


def test_feast_serves_what_the_towers_give(built: Built, repo: Path) -> None:
    found = run("-c", str(repo), "embed")
    assert found.exit_code == 0, found.output
    entities = next(repo.glob("*/entities.py"))
    (entities.parent / "embeddings.py").write_text(
        f"from {entities.parent.name}.entities import *\n{found.stdout}", encoding="utf-8"
    )
    _feast(repo, "apply")
    spec, schema = built.project.spec, built.project.schema
    views = [f"{side.entity}_embeddings" for side in (spec.query, spec.item)]
    until = built.at + timedelta(seconds=1)
    given = [argument for view in views for argument in ("--views", view)]
    _feast(
        repo,
        "materialize",
        *(f"{t:%Y-%m-%dT%H:%M:%S}" for t in (built.at - timedelta(days=1), until)),
        *given,
    )
    project, contents = open_contents(BundleStore(built.bundles).open(built.bundle), built.project)
    assert project.spec == spec
    keys = contents.items.keys.to_pylist()[:50]
    served = (
        FeatureStore(repo_path=str(repo))
        .get_online_features(
            features=[f"{views[1]}:embedding", f"{views[1]}:bundle"],
            entity_rows=[{schema.item.key.name: key} for key in keys],
        )
        .to_dict()
    )
    assert set(served["bundle"]) == {built.bundle}
    np.testing.assert_allclose(np.array(served["embedding"]), contents.items.index.vectors[:50], atol=1e-5)


def test_a_moment_again_takes_its_snapshots_place_and_another_stands_beside_it(
    built: Built, tmp_path: Path
) -> None:
    files = tmp_path / "new" / "q.parquet", tmp_path / "new" / "i.parquet"
    options = ("--query", str(files[0]), "--item", str(files[1]))
    first = built.json("embed", *options)
    before = pq.read_table(files[0])
    assert before.num_rows == first["query"]["rows"] == len(built.shop.queries)
    assert built.json("embed", *options)["query"] == first["query"]
    again = pq.read_table(files[0])
    assert again.drop(["created"]).equals(before.drop(["created"]))
    earlier = built.at - timedelta(hours=6)
    other = built.json("embed", *options, "--at", earlier.isoformat())
    both = pq.read_table(files[0])
    assert both.num_rows == before.num_rows + other["query"]["rows"]
    assert set(both["event_timestamp"].to_pylist()) == {built.at, earlier}
    assert [each.name for each in files[0].parent.iterdir() if each.name.startswith(".")] == []


def test_a_moment_that_the_bundle_has_learnt_from_is_refused(built: Built, tmp_path: Path) -> None:
    early = built.project.spec.split.test - timedelta(seconds=1)
    found = built.run("embed", "--query", str(tmp_path / "q.parquet"), "--at", early.isoformat())
    assert found.exit_code == 2
    assert "split.test" in found.output
    assert not (tmp_path / "q.parquet").exists()


def test_a_file_that_holds_something_else_is_named_and_stays(built: Built, tmp_path: Path) -> None:
    file = tmp_path / "mine.parquet"
    pq.write_table(pa.table({"mine": [datetime(2024, 1, 1, tzinfo=timezone.utc)]}), file)
    before = file.read_bytes()
    found = built.run("embed", "--query", str(file), "--item", str(tmp_path / "i.parquet"))
    assert found.exit_code == 2
    assert str(file) in found.output
    assert "embedding" in found.output
    assert file.read_bytes() == before


def test_one_file_cannot_hold_both_sides(built: Built, tmp_path: Path) -> None:
    file = str(tmp_path / "both.parquet")
    assert built.run("embed", "--query", file, "--item", file).exit_code == 2


def test_a_place_where_nothing_can_be_written_is_named(built: Built, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    found = built.run("embed", "--query", str(tmp_path / "file" / "q.parquet"))
    assert found.exit_code == 1
    assert str(tmp_path / "file" / "q.parquet") in found.output
    assert (tmp_path / "file").read_text() == "mine"
