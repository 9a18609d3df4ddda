"""One query's answer, from the online store."""

from __future__ import annotations

import numpy as np

from tests.e2e.built import Built


def _known_query(built: Built) -> str:
    """The query that interacted most."""
    counts = np.bincount(built.shop.query_codes)
    return str(built.shop.queries.keys[int(counts.argmax())].as_py())


def test_a_query_gets_k_different_items_with_a_prediction_of_every_task(built: Built) -> None:
    answer = built.json("recommend", "--at", built.at.isoformat(), "--k", "7", _known_query(built))
    assert answer["degraded"] is None
    assert answer["bundle"] == built.bundle
    assert len({item["item"] for item in answer["items"]}) == 7
    assert all(set(item["predictions"]) == set(built.tasks) for item in answer["items"])
    scores = [item["score"] for item in answer["items"]]
    assert scores == sorted(scores, reverse=True)
