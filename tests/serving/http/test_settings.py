"""Settings come from the environment, and a misspelt one is refused rather than passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.http import HttpSettings
from serving.http.settings import variable
from tests.e2e.built import ROOT
from tfrs_mtl.errors import UserError


def test_each_setting_has_a_variable_and_an_empty_one_counts_as_not_set() -> None:
    environment = {"TFRS_MTL_REPO": "/shop", "TFRS_MTL_MAX_K": "7", "TFRS_MTL_TOKEN": "x", "HOME": "/"}
    settings = HttpSettings.from_environment({**environment, "TFRS_MTL_MAX_BATCH": ""})
    assert (settings.repo, settings.max_k, settings.max_batch) == (Path("/shop"), 7, HttpSettings().max_batch)
    assert settings.token is not None
    assert settings.token.get_secret_value() == "x"
    assert "x" not in repr(settings.token)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TFRS_MTL_TOKN", "x", "did you mean 'TFRS_MTL_TOKEN'"),
        ("TFRS_MTL_AUTH_TOKEN", "x", "valid: TFRS_MTL_ARTEFACTS, "),
        ("TFRS_MTL_MAX_K", "many", "TFRS_MTL_MAX_K: .*got 'many'"),
        ("TFRS_MTL_MAX_K", "0", "TFRS_MTL_MAX_K: .*got '0'"),
        ("TFRS_MTL_MAX_SNAPSHOT_AGE", "nan", "TFRS_MTL_MAX_SNAPSHOT_AGE"),
    ],
)
def test_a_misspelt_name_and_a_senseless_value_are_refused(name: str, value: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        HttpSettings.from_environment({name: value})


@pytest.mark.parametrize(
    "name", ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP", "PORT_80_TCP_ADDR"]
)
def test_what_kubernetes_sets_for_a_service_of_our_name_is_no_mistake(name: str) -> None:
    assert HttpSettings.from_environment({f"TFRS_MTL_{name}": "tcp://10.0.0.1:80"}) == HttpSettings()


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
    for name, field in HttpSettings.model_fields.items():
        default = "" if field.default is None else f"`{str(field.default).lower()}`"
        assert f"| `{variable(name)}` | {default}" in text, name
