"""Over HTTP comes what the recommender answers; what is wrong with a request comes as a problem."""

from __future__ import annotations

import dataclasses
import json
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from serving import Answer, Recommender
from serving.http import HttpSettings, create_app, recommender_router
from serving.state import Deployment
from tests.e2e.built import Built
from tfrs_mtl.errors import BundleError

_UNKNOWN = {"bazaar": 424242, "cinema": "nobody"}
_WRONG = {"bazaar": "twelve", "cinema": 12}
_CATEGORY = {"bazaar": "stall", "cinema": "genre"}


def _plain(answer: Answer) -> Any:
    return _without_id(json.loads(json.dumps(dataclasses.asdict(answer))))


def _without_id(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without what differs from request to request."""
    assert answer.pop("request_id") is not None
    return answer


def _query(built: Built) -> Any:
    """The query that interacted most."""
    return built.shop.queries.keys[int(np.bincount(built.shop.query_codes).argmax())].as_py()


def _problem(response: Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = response.json()
    assert content["status"] == status
    return content


def test_an_answer_is_the_recommenders(built: Built, recommender: Recommender, client: TestClient) -> None:
    query = _query(built)
    first = recommender.recommend(query).items[0]
    wishes = {"k": 4, "exclude": [first.item], "explain": True, "weights": {built.tasks[0]: 0.5}}
    category = first.display.get(_CATEGORY[built.name])
    filters = {} if category is None else {_CATEGORY[built.name]: {"not": [category]}}
    came = client.post("/recommend", json={"query": query, "filters": filters, **wishes})
    assert came.status_code == 200
    assert _without_id(came.json()) == _plain(recommender.recommend(query, filters=filters, **wishes))


def test_a_batch_is_answered_in_its_order(built: Built, recommender: Recommender, client: TestClient) -> None:
    queries = [_UNKNOWN[built.name], _query(built)]
    came = client.post("/recommend/batch", json={"queries": queries, "k": 3}).json()["answers"]
    assert [_without_id(answer) for answer in came] == [
        _plain(answer) for answer in recommender.recommend_many(queries, k=3)
    ]
    assert came[0]["degraded"] == ["unknown_query"]


def test_an_integer_key_may_come_as_digits_wherever_one_stands(
    built: Built, recommender: Recommender, client: TestClient
) -> None:
    query, best = _query(built), recommender.recommend(_query(built)).items[0].item
    wishes = {"k": 3, "exclude": [str(best)]}
    expected = _plain(recommender.recommend(query, k=3, exclude=[best]))
    alone = client.post("/recommend", json={"query": str(query), **wishes}).json()
    (batched,) = client.post("/recommend/batch", json={"queries": [str(query)], **wishes}).json()["answers"]
    assert _without_id(alone) == _without_id(batched) == expected
    near = client.get(f"/similar/{quote(str(best))}", params={"k": 3}).json()
    assert _without_id(near) == _plain(recommender.similar(best, k=3))


def test_similar_items_take_filters_and_what_is_excluded(
    built: Built, recommender: Recommender, client: TestClient
) -> None:
    item, name = recommender.recommend(_query(built)).items[0].item, _CATEGORY[built.name]
    values = recommender.state.items.frame.columns
    kind = next(v for n, v in values.items() if n.endswith(f"__{name}")).drop_null()[0].as_py()
    first = recommender.similar(item, filters={name: kind}).items[0].item
    params = {"filters": json.dumps({name: kind}), "exclude": [str(first)], "k": 2}
    came = client.get(f"/similar/{quote(str(item))}", params=params)
    assert _without_id(came.json()) == _plain(
        recommender.similar(item, k=2, filters={name: kind}, exclude=[first])
    )
    for wrong in ({"filters": "{"}, {"rules": "{"}, {"rules": '{"no_such_rule": true}'}):
        bad = client.get(f"/similar/{quote(str(item))}", params=wrong)
        assert _problem(bad, 422)["errors"][0]["key"] in wrong
    bad = client.get(f"/similar/{quote(str(item))}", params={"rules": '{"sale": 1}'})
    assert _problem(bad, 422)["errors"][0]["key"] == "rules.sale"


def test_an_item_key_with_a_slash_reaches_its_route(built: Built, client: TestClient) -> None:
    came = client.get("/similar/" + quote("a/b", safe=""))
    if built.project.schema.item.key.dtype.base == "int":
        assert "a/b" in _problem(came, 422)["detail"]
    else:
        assert (came.json()["query"], came.json()["degraded"]) == ("a/b", ["unknown_item"])


@pytest.mark.parametrize(
    ("body", "key", "message"),
    [
        ({"k": 0}, "k", "greater than or equal to 1"),
        ({"k": 1001}, "k", "expected 1 to 1000, got 1001"),
        ({"k": True}, "k", "valid integer"),
        ({"exclude": [None]}, "exclude.0", "expected a whole number of 64 bits, or a text of 1 to 512"),
        ({"exclude": ["a"] * 10_001}, "exclude", "expected at most 10000 keys, got 10001"),
        ({"filters": {"colour": 1}}, "filters", "no item feature or filter 'colour'"),
        ({"filters": {"colour": {"min": [[]]}}}, "filters.colour", "expected a text, a finite number"),
        ({"weights": {"buy": 1.0}}, "weights", "no task 'buy'; valid: "),
        ({"context": {"device ": "tv"}}, "context", "no feature 'device '"),
        ({"at": "yesterday"}, "at", "such as 2024-05-01T12:00:00Z"),
        ({"at": "2024-05-01T12:00:00"}, "at", "timezone"),
        ({"at": "1868-01-01T00:00:00Z"}, "at", "from 1970 to 2200"),
        ({"colour": "red"}, "colour", "Extra inputs are not permitted, got 'red'"),
        ({"query": None}, "query", "expected a whole number of 64 bits"),
    ],
)
def test_a_problem_names_the_key_what_came_and_what_would_be_right(
    built: Built, client: TestClient, body: dict[str, Any], key: str, message: str
) -> None:
    (error,) = _problem(client.post("/recommend", json={"query": _query(built), **body}), 422)["errors"]
    assert error["key"] == key
    assert message in error["message"]


def test_a_problem_does_not_repeat_a_long_request(built: Built, client: TestClient) -> None:
    category = {_CATEGORY[built.name]: [True] * 10_000}
    for filters in (category, {"x" * 5_000: 1}, {"x": [[1] * 10_000]}):
        came = client.post("/recommend", json={"query": _query(built), "filters": filters})
        _problem(came, 422)
        assert len(came.content) < 3_000


def test_a_key_of_the_wrong_type_is_refused(built: Built, client: TestClient) -> None:
    came = client.post("/recommend/batch", json={"queries": [_query(built), _WRONG[built.name]]})
    assert f"expected {'int' if built.name == 'bazaar' else 'str'}" in _problem(came, 422)["detail"]


def test_a_body_that_is_no_json_or_none_at_all_is_a_problem(client: TestClient) -> None:
    json_type = {"content-type": "application/json"}
    assert (
        "expected JSON" in _problem(client.post("/recommend", content=b"{", headers=json_type), 422)["detail"]
    )
    _problem(client.post("/recommend"), 422)
    _problem(client.post("/recommend", content=b'{"query": "\\ud800"}', headers=json_type), 422)
    digits = b'{"query": ' + b"9" * 5_000 + b"}"
    _problem(client.post("/recommend", content=digits, headers=json_type), 400)


def test_paths_and_methods_that_do_not_exist_are_problems(client: TestClient) -> None:
    _problem(client.get("/recommendations"), 404)
    _problem(client.post("/recommend/", json={}), 404)
    wrong = client.get("/recommend")
    _problem(wrong, 405)
    assert wrong.headers["allow"] == "POST"


def test_the_limits_are_those_of_the_settings(built: Built, recommender: Recommender) -> None:
    settings = HttpSettings(max_k=3, max_batch=2, max_exclude=1, max_explain=2, max_body=200)
    client, query = TestClient(create_app(settings, recommender=recommender)), _query(built)
    assert client.post("/recommend", json={"query": query, "k": 3}).status_code == 200
    for path, body in (
        ("/recommend", {"query": query, "k": 4}),
        ("/recommend", {"query": query, "exclude": ["a", "b"]}),
        ("/recommend", {"query": query, "k": 3, "explain": True}),
        ("/recommend/batch", {"queries": [query] * 3}),
        ("/recommend/batch", {"queries": [query] * 2, "k": 2, "explain": True}),
    ):
        assert "expected" in _problem(client.post(path, json=body), 422)["detail"]
    _problem(client.get("/similar/1", params={"k": 4}), 422)
    large = json.dumps({"query": query, "context": {"a": "b" * 200}})

    def parts() -> Any:  # no content-length, so the size shows as it comes
        yield from (large[:100].encode(), large[100:].encode())

    for content in (large.encode(), parts()):
        came = client.post("/recommend", content=content, headers={"content-type": "application/json"})
        assert _problem(came, 413)["detail"] == "body: expected at most 200 bytes"


def test_without_the_token_nobody_gets_an_answer(built: Built, recommender: Recommender) -> None:
    client = TestClient(create_app(HttpSettings(token="gr\u00fcn"), recommender=recommender))
    right = "Bearer gr\u00fcn".encode()
    for given in (None, b"Bearer", b"Bearer gr", b"Basic gr\xc3\xbcn", b"Bearer gr\xc3\xbcn\xc3\xbcn"):
        headers = {} if given is None else {"authorization": given}
        came = client.post("/recommend", content=b"{", headers=headers)
        _problem(came, 401)
        assert came.headers["www-authenticate"] == "Bearer"
        assert client.get("/similar/1", headers=headers).status_code == 401
        assert client.post("/recommend/batch", headers=headers).status_code == 401
    came = client.post("/recommend", json={"query": _query(built)}, headers={"authorization": right})
    assert came.status_code == 200
    assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3
    guarded = create_app(HttpSettings(token="x", protect_metrics=True), recommender=recommender)
    assert TestClient(guarded).get("/metrics").status_code == 401


def test_the_token_is_asked_for_before_the_body_is_read(recommender: Recommender) -> None:
    client = TestClient(create_app(HttpSettings(token="x", max_body=5), recommender=recommender))
    assert client.post("/recommend", content=b"far too large").status_code == 401


def test_ready_says_what_with_and_refuses_when_the_items_are_old(
    built: Built, recommender: Recommender
) -> None:
    client = TestClient(create_app(HttpSettings(), recommender=recommender))
    versions = recommender.status().versions
    assert client.get("/healthz").json() == {"status": "ok", "bundle": None, "snapshot": None}
    assert client.get("/readyz").json() == {
        "status": "ready", "bundle": built.bundle, "snapshot": versions.snapshot,
    }  # fmt: skip
    later = Recommender(built.project, Deployment(recommender.state), clock=lambda: built.at.replace(hour=23))
    old = TestClient(create_app(HttpSettings(max_snapshot_age=60), recommender=later))
    assert "expected at most 60" in _problem(old.get("/readyz"), 503)["detail"]
    later.close()


def _counts(client: TestClient) -> dict[str, float]:
    lines = [line for line in client.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_the_metrics_count_requests_by_route_and_status_and_degraded_answers(
    built: Built, recommender: Recommender
) -> None:
    client = TestClient(create_app(HttpSettings(), recommender=recommender))
    before = _counts(client)
    client.post("/recommend", json={"query": _UNKNOWN[built.name]})
    client.post("/recommend", json={})
    client.get("/similar/1/2/3")
    after = _counts(client)
    for name in (
        'tfrs_mtl_requests_total{route="/recommend",status="200"}',
        'tfrs_mtl_requests_total{route="/recommend",status="422"}',
        'tfrs_mtl_request_seconds_count{route="/similar/{item}"}',
        'tfrs_mtl_degraded_answers_total{reason="unknown_query"}',
    ):
        assert after[name] - before.get(name, 0) == 1, name
    assert any(name.startswith("tfrs_mtl_bundle_info") and built.bundle in name for name in after)
    assert any('what="refresh_failures"' in name for name in after)


class _Broken:
    """A recommender whose every use is a bug."""

    def close(self) -> None:
        """Nothing to let go of."""

    @property
    def state(self) -> Any:
        raise ZeroDivisionError("secret")

    status = state


def test_a_bug_is_a_problem_without_its_details(caplog: pytest.LogCaptureFixture) -> None:
    client = TestClient(create_app(HttpSettings(), recommender=_Broken()))  # type: ignore[arg-type]
    came = client.post("/recommend", json={"query": 1})
    assert "secret" not in came.text
    _problem(came, 500)
    _problem(client.get("/readyz"), 500)
    assert "ZeroDivisionError" in caplog.text
    assert client.get("/healthz").status_code == 200


def test_until_a_bundle_is_loaded_it_is_not_ready_and_what_was_loaded_is_closed(
    recommender: Recommender,
) -> None:
    closed = []

    class Loaded:
        state, status, similar = recommender.state, recommender.status, recommender.similar

        def close(self) -> None:
            closed.append(True)

    app = FastAPI()
    app.include_router(recommender_router(lambda: Loaded()), prefix="/shop")  # type: ignore[arg-type,return-value]
    client = TestClient(app)
    _problem(client.post("/shop/recommend", json={"query": 1}), 503)
    _problem(client.get("/shop/readyz"), 503)
    assert client.get("/shop/healthz").status_code == 200
    with client:
        assert client.get("/shop/readyz").status_code == 200
        assert client.get("/shop/similar/1").status_code in (200, 422)
        assert not closed
    assert closed == [True]


def test_a_bundle_that_cannot_be_loaded_stops_the_start(built: Built) -> None:
    with (
        pytest.raises(BundleError, match="none-such"),
        TestClient(create_app(HttpSettings(repo=built.path, bundle="none-such"))),
    ):
        pass


def test_the_description_has_examples_and_no_reference_leads_nowhere(client: TestClient) -> None:
    text = client.get("/openapi.json").text
    described = json.loads(text)
    assert set(described["paths"]) == {
        "/recommend", "/recommend/batch", "/similar/{item}", "/events", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    names = {reference.split('"')[0] for reference in text.split('"#/components/schemas/')[1:]}
    assert names <= set(described["components"]["schemas"])
    body = described["components"]["schemas"]["RecommendRequest"]
    assert body["examples"]
    fields = described["components"]["schemas"]["Recommendation"]["properties"]
    assert (
        "example"
        in described["paths"]["/recommend"]["post"]["responses"]["200"]["content"]["application/json"]
    )
    assert "predictions" in fields
    calls = [call["operationId"] for path in described["paths"].values() for call in path.values()]
    assert calls == [
        "recommend", "recommend_batch", "similar_items", "record_events", "healthz", "readyz", "metrics",
    ]  # fmt: skip
