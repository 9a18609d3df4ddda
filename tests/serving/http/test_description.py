"""Whatever the OpenAPI description allows, and what it does not, is answered as it says."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import load_all_checks, positive_data_acceptance

from serving import Recommender
from serving.http import HttpSettings, create_app

# Not held: positive_data_acceptance. A valid body may ask for what a shop does not have; 422 is right then.
load_all_checks()
_SETTINGS = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_no_answer_is_a_5xx_or_undocumented(recommender: Recommender) -> None:
    described = schemathesis.openapi.from_asgi(
        "/openapi.json", create_app(HttpSettings(), recommender=recommender)
    )
    schema = recommender.state.schema
    names = {
        "filters": [feature.column for feature in schema.item.fetched],
        "context": [feature.column for feature in schema.context],
        "weights": [task.name for task in schema.spec.ranking.tasks],
    }
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) == 7
    for operation in operations:
        _ask(operation, GenerationMode.POSITIVE, names)
        if operation.body or any(operation.iter_parameters()):  # else nothing can be said wrong
            _ask(operation, GenerationMode.NEGATIVE, names)


def _ask(operation: APIOperation, mode: GenerationMode, names: dict[str, list[str]]) -> None:
    @_SETTINGS
    @given(case=operation.as_strategy(mode))
    def ask(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            _name(case.body, names)
        case.call_and_validate(excluded_checks=[positive_data_acceptance], timeout=120)

    ask()


def _name(body: Any, names: dict[str, list[str]]) -> None:
    """Let what a body says be of what the shop has, most of the time."""
    for key, valid in names.items():
        if isinstance(body, dict) and isinstance(body.get(key), dict) and len(body[key]) <= len(valid):
            body[key] = dict(zip(valid, body[key].values(), strict=False))
