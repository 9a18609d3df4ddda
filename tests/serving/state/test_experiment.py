"""A query's arm is the same one always, and the arms get their shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.state.experiment import arm_of
from tfrs_mtl.spec import Experiment

QUERIES = [*range(2_000), *(f"mé-{n}" for n in range(2_000))]


def experiment(name: str = "first", **shares: float) -> Experiment:
    return Experiment.model_validate({"name": name, "arms": {a: {"share": s} for a, s in shares.items()}})


def test_an_arm_does_not_change_from_one_version_of_ours_to_the_next() -> None:
    """Written down once: other values here move the queries of every experiment that runs."""
    halves = experiment(a=0.5, b=0.5)
    assert "".join(arm_of(halves, query) for query in range(12)) == "abbbbaabaaab"
    assert arm_of(halves, 7) == arm_of(halves, "7")


def test_the_arms_get_their_shares_whatever_the_keys() -> None:
    for queries in (QUERIES[:2_000], QUERIES[2_000:]):
        dealt = [arm_of(experiment(a=0.1, b=0.6, c=0.3), query) for query in queries]
        shares = {arm: dealt.count(arm) / len(dealt) for arm in "abc"}
        assert shares == pytest.approx({"a": 0.1, "b": 0.6, "c": 0.3}, abs=0.03)


def test_another_name_deals_anew_and_a_share_that_grows_takes_from_the_next_alone() -> None:
    first = [arm_of(experiment(a=0.5, b=0.5), query) for query in QUERIES]
    other = [arm_of(experiment("second", a=0.5, b=0.5), query) for query in QUERIES]
    assert 0.45 < sum(x == y for x, y in zip(first, other, strict=True)) / len(QUERIES) < 0.55
    grown = [arm_of(experiment(a=0.6, b=0.4), query) for query in QUERIES]
    assert {pair for pair in zip(first, grown, strict=True) if pair[0] != pair[1]} == {("b", "a")}


@given(st.integers() | st.text())
def test_every_query_has_an_arm(query: int | str) -> None:
    assert arm_of(experiment(a=1 / 3, b=1 / 3, c=1 / 3), query) in "abc"


@pytest.mark.parametrize("shares", [{"a": 0.5}, {"a": 0.6, "b": 0.6}])
def test_shares_that_do_not_deal_everybody_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="1 was expected"):
        experiment(**shares)
