"""The sample shop's definitions: Feast takes them before any data exists, and the contract fits them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tfrs_mtl.schema import Schema, resolve
from tfrs_mtl.spec import load_spec
from tfrs_mtl.store import open_repo

_SAMPLE = Path(__file__).resolve().parents[1] / "feature_repo"


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    repo = tmp_path_factory.mktemp("grocery") / "repo"
    shutil.copytree(_SAMPLE, repo, ignore=shutil.ignore_patterns("data", "__pycache__"))
    apply = [sys.executable, "-c", "from feast.cli.cli import cli; cli(['apply'])"]
    subprocess.run(apply, cwd=repo, check=True, capture_output=True)
    return resolve(load_spec(repo), open_repo(repo).catalogue, file="recommender.yaml")


def test_the_contract_fits_the_definitions(schema: Schema) -> None:
    assert {view.name for view, _ in schema.behaviour} == {
        "household_behaviour",
        "household_categories",
        "household_products",
        "product_behaviour",
    }
    assert [pair.attribute for pair in schema.pairs] == ["product_attributes__product_category", "product_id"]
    assert schema.history is not None
    assert schema.history.ages == "household_behaviour__last_product_ages"


def test_the_behaviour_views_declare_every_field_of_the_registry(schema: Schema) -> None:
    for view, declared in schema.behaviour:
        keys = {pair.keys.split("__")[1] for pair in schema.pairs if pair.view == view.name}
        assert {column.name for column in view.columns} - keys == set(declared.features)


def test_sources_are_absolute_so_that_any_current_directory_will_do(schema: Schema) -> None:
    assert all(
        view.source.path is not None and view.source.path.is_absolute() for view, _ in schema.behaviour
    )


def test_the_definitions_import_as_a_package_too() -> None:
    services = import_module("feature_repo.grocery.services")
    assert (services.household_v1.name, services.product_v1.name) == ("household_v1", "product_v1")
