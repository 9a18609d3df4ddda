"""Rules and diversity in the answers of both shops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from serving import Recommender
from serving.wishes import DiversityWish
from tests.e2e.built import Built
from tests.serving.loaded import CATEGORY, NUMBER, UNKNOWN, busiest, column, keys, load
from tfrs_mtl.errors import RegistryError, RequestError, SpecError


@pytest.fixture(scope="module")
def plain(built: Built) -> Iterator[Recommender]:
    loaded = patient(built)
    yield loaded
    loaded.close()


def patient(built: Built, **serving: Any) -> Recommender:
    """Load with a deadline that a busy machine keeps: an answer without the store's features is another."""
    return load(built, deadline="60s", **serving)


def expression(plain: Recommender, name: str, value: Any) -> str:
    quoted = "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
    return f'"{name}" = {quoted}'


def kind_of(plain: Recommender, built: Built, place: int = 0) -> Any:
    """The category of an item that the busiest query gets."""
    values = column(plain, CATEGORY[built.name])
    answer = plain.recommend(busiest(built, 1)[0], k=60)
    return [values[key] for key in keys(answer) if values[key] is not None][place]


def asked(built: Built) -> list[Any]:
    return [*busiest(built, 3), UNKNOWN[built.name]]


def test_a_boosted_item_scores_more_a_buried_one_less_and_why_says_by_how_much(
    built: Built, plain: Recommender
) -> None:
    name = CATEGORY[built.name]
    values, kind = column(plain, name), kind_of(plain, built)
    where = expression(plain, name, kind)
    rules = {
        "more": {"action": "boost", "where": where, "factor": 1.5},
        "less": {"action": "bury", "where": f"NOT ({where})", "factor": 0.5, "offset": -0.001},
    }
    ruled = patient(built, rules=rules)
    met = {key for key, value in values.items() if value == kind}
    for query in asked(built):
        before = {item.item: item.score for item in plain.recommend(query, k=9000).items}
        after = ruled.recommend(query, k=9000, explain=True).items
        assert [item.score for item in after] == sorted((i.score for i in after), reverse=True)
        for item in after:
            assert item.why is not None
            old, parts = before[item.item], [*item.why.contributions.values(), *item.why.rules.values()]
            assert sum(parts) == pytest.approx(item.score, rel=1e-4, abs=1e-6)
            if item.item in met:
                assert list(item.why.rules) == ["more"]
                assert item.score == pytest.approx(old * 1.5 if old >= 0 else old / 1.5, rel=1e-4)
            elif values[item.item] is not None:
                assert list(item.why.rules) == ["less"]
                assert item.score == pytest.approx((old * 0.5 if old >= 0 else old / 0.5) - 0.001, rel=1e-4)
    ruled.close()


def test_a_rule_holds_in_its_time_and_as_a_request_says(built: Built, plain: Recommender) -> None:
    since, until = built.at - timedelta(days=1), built.at + timedelta(days=1)
    rule = {"action": "boost", "where": "true", "offset": 5, "since": since, "until": until}
    off = {"action": "boost", "where": "true", "offset": 7, "default": False}
    ruled, (query,) = load(built, rules={"now": rule, "off": off}), busiest(built, 1)
    usual = plain.recommend(query).items[0].score

    def raised(**wishes: Any) -> float:
        return ruled.recommend(query, **wishes).items[0].score - usual

    assert raised() == pytest.approx(5, rel=1e-3)
    assert raised(rules={"now": False}) == pytest.approx(0, abs=1e-4)
    assert raised(rules={"off": True}) == pytest.approx(12, rel=1e-3)
    for at in (since - timedelta(seconds=1), until):
        assert ruled.recommend(query, at=at).items[0].score < 4
    assert ruled.recommend(query, at=since).items[0].score > 4
    with pytest.raises(RequestError, match="no rule 'nwo'; did you mean 'now'"):
        ruled.recommend(query, rules={"nwo": True})
    with pytest.raises(RequestError, match=r"rules\.now: expected true or false, got 1"):
        ruled.recommend(query, rules={"now": 1})  # type: ignore[dict-item]
    ruled.close()


def test_a_pin_stands_at_its_position_obeys_filters_and_says_so(built: Built, plain: Recommender) -> None:
    (query,) = busiest(built, 1)
    last = keys(plain.recommend(query, k=60))[-4:]
    gone = "gone" if built.name == "bazaar" else -1
    rules = {
        "first": {"action": "pin", "items": [gone, last[0], last[1]], "positions": [2, 4]},
        "anyway": {"action": "pin", "items": [last[2]], "positions": [1], "despite_limits": True},
        "later": {"action": "pin", "items": [last[3]], "positions": [1]},
    }
    ruled = patient(built, rules=rules)
    for who in asked(built):
        answer = ruled.recommend(who, explain=True)
        found = keys(answer)
        assert found[:4] == [last[2], last[0], last[3], last[1]]
        assert [list(item.why.rules) for item in answer.items[:5] if item.why] == [
            ["anyway"],
            ["first"],
            ["later"],
            ["first"],
            [],
        ]
        assert len(found) == len(set(found)) == len(plain.recommend(who).items)
        barred = keys(ruled.recommend(who, exclude=last))
        assert barred[0] == last[2]
        assert not {last[0], last[1], last[3]} & set(barred)
        assert last[2] not in keys(ruled.recommend(who, exclude=last, rules={"anyway": False}))
        assert keys(ruled.recommend(who, k=1)) == [last[2]]
    ruled.close()


def test_similar_items_are_raised_and_buried_by_factors_alone(built: Built, plain: Recommender) -> None:
    item, name = keys(plain.recommend(busiest(built, 1)[0]))[0], CATEGORY[built.name]
    values = column(plain, name)
    near = plain.similar(item, k=9000).items
    usual = {found.item: found.score for found in near}
    buried = next(values[found.item] for found in near if values[found.item] is not None)
    raised = [value for value in values.values() if value not in (None, buried)][-1]
    rules = {
        "less": {"action": "bury", "where": expression(plain, name, buried), "factor": 0.01},
        "more": {"action": "boost", "where": expression(plain, name, raised), "factor": 100},
        "added": {"action": "boost", "where": "true", "offset": 7},
        "pinned": {"action": "pin", "items": [near[-1].item], "positions": [1]},
    }
    ruled = patient(built, rules=rules)
    factors = {buried: 0.01, raised: 100.0}
    after = ruled.similar(item, k=9000).items
    for found in after:
        old, factor = usual[found.item], factors.get(values[found.item], 1.0)
        assert found.score == pytest.approx(old * factor if old >= 0 else old / factor, rel=1e-5)
    assert [found.score for found in after] == sorted((f.score for f in after), reverse=True)
    assert keys(ruled.similar(item, k=3)) == [found.item for found in after[:3]]
    assert ruled.similar(item, rules={"less": False, "more": False}) == plain.similar(item)
    unknown = "gone" if built.name == "bazaar" else -1
    assert keys(ruled.similar(unknown)) != keys(plain.similar(unknown))
    assert ruled.similar(unknown).degraded == ("unknown_item",)
    with pytest.raises(RequestError, match="no rule 'les'; did you mean 'less'"):
        ruled.similar(item, rules={"les": True})
    ruled.close()


def test_an_expression_pins_the_best_of_what_it_means(built: Built, plain: Recommender) -> None:
    name = CATEGORY[built.name]
    values, kind = column(plain, name), kind_of(plain, built, -1)
    rules = {"one": {"action": "pin", "where": expression(plain, name, kind), "positions": [1]}}
    ruled = patient(built, rules=rules, sources={"towers": 3, "own": 0})
    for query in busiest(built, 3):
        answer = ruled.recommend(query, k=3)
        assert values[keys(answer)[0]] == kind
        assert len(set(keys(answer))) == 3
        none = ruled.recommend(query, k=3, filters={name: {"not": [kind]}})
        assert kind not in [values[key] for key in keys(none)]
    assert values[keys(ruled.recommend(UNKNOWN[built.name], k=3))[0]] == kind
    ruled.close()


def test_caps_hold_for_what_the_spec_says_and_a_request_says_otherwise(
    built: Built, plain: Recommender
) -> None:
    name = CATEGORY[built.name]
    values, kind = column(plain, name), kind_of(plain, built)
    capped = patient(built, diversity={"caps": {name: 2}})

    def most(answer: Any) -> int:
        counts = Counter(values[key] for key in keys(answer) if values[key] is not None)
        return max(counts.values())

    kinds = len({value for value in values.values() if value is not None})
    for query in asked(built):
        answer = capped.recommend(query, k=6)
        assert len(answer.items) == 6
        assert most(answer) <= 2 if kinds >= 3 else True
        assert "caps_exceeded" not in answer.degraded
        only = capped.recommend(query, k=6, filters={name: kind})
        assert len(only.items) == min(6, sum(value == kind for value in values.values()))
        assert "caps_exceeded" in only.degraded
        assert keys(capped.recommend(query, diversity={"caps": {}})) == keys(plain.recommend(query))
    together = capped.recommend_many(asked(built), k=6)
    assert [keys(a) for a in together] == [keys(capped.recommend(q, k=6)) for q in asked(built)]
    capped.close()


def test_diversity_makes_an_answer_less_alike(built: Built, plain: Recommender) -> None:
    for query in busiest(built, 3):
        usual = plain.recommend(query)
        diverse = plain.recommend(query, diversity={"mmr": 0.7})
        assert keys(diverse)[0] == keys(usual)[0]
        assert len(set(keys(diverse))) == len(usual.items)
        assert likeness(plain, keys(diverse)) < likeness(plain, keys(usual))
        assert keys(plain.recommend(query, diversity={"mmr": 0.0})) == keys(usual)


def likeness(recommender: Recommender, items: list[Any]) -> float:
    """Mean cosine between an answer's items by the item tower."""
    state = recommender.state
    table = state.items.keys.to_pylist()
    vectors = state.vectors([table.index(item) for item in items])  # type: ignore[arg-type]
    vectors = vectors / (vectors**2).sum(axis=1, keepdims=True) ** 0.5
    return float((vectors @ vectors.T).mean())


def test_why_tells_the_place_that_the_score_alone_would_give(built: Built, plain: Recommender) -> None:
    query, wish = busiest(built, 1)[0], DiversityWish(mmr=0.7, caps={CATEGORY[built.name]: 2})
    most = plain.state.scorer.candidates  # a larger k would ask the sources for more
    by_score = {key: place for place, key in enumerate(keys(plain.recommend(query, k=most)), 1)}
    moved = plain.recommend(query, k=10, diversity=wish, explain=True)
    told = {item.item: item.why.by_score for item in moved.items if item.why is not None}
    assert told == {key: by_score[key] for key in keys(moved)}
    assert list(told.values()) != list(range(1, 11))
    still = plain.recommend(query, k=10, explain=True).items
    assert [item.why.by_score for item in still if item.why is not None] == list(range(1, 11))


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"mmr": 2.0}, r"diversity\.mmr: .*less than or equal to 1, got 2"),
        ({"caps": {"colour": 1}}, "no item feature 'colour'"),
        ({"mrm": 0.3}, r"diversity\.mrm: "),
    ],
)
def test_a_wish_for_diversity_without_sense_is_refused(
    built: Built, plain: Recommender, wish: DiversityWish, message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        plain.recommend(busiest(built, 1)[0], diversity=wish)


def test_what_the_spec_says_of_items_is_held_against_the_registry(built: Built) -> None:
    wrong = 12 if built.name == "bazaar" else "twelve"
    with pytest.raises(RegistryError, match=r"serving\.rules\.bad\.items\.0: .*expected"):
        load(built, rules={"bad": {"action": "pin", "items": [wrong], "positions": [1]}})
    with pytest.raises(RegistryError, match=r"serving\.diversity\.caps\.colour: no item feature 'colour'"):
        load(built, diversity={"caps": {"colour": 1}})
    with pytest.raises(SpecError, match=r"serving\.rules\.bad\.where"):
        load(built, rules={"bad": {"action": "boost", "where": f'"{NUMBER[built.name]}" >', "factor": 2}})


def test_beyond_the_catalogue_caps_give_way_and_all_that_may_come_comes(
    built: Built, plain: Recommender
) -> None:
    name = CATEGORY[built.name]
    (query,) = busiest(built, 1)
    everything = plain.recommend(query, k=9000)
    capped = plain.recommend(query, k=9000, diversity={"caps": {name: 1}})
    assert set(keys(capped)) == set(keys(everything))
    assert set(capped.degraded) == {"too_few_items", "caps_exceeded"}
    values = column(plain, name)
    kinds = [values[key] for key in keys(capped) if values[key] is not None]
    first = list(dict.fromkeys(kinds))
    assert kinds[: len(first)] == first  # one of each before the second of any
    none = plain.recommend(query, k=9000, exclude=keys(everything), diversity={"caps": {name: 1}})
    assert (none.items, none.degraded) == ((), ("too_few_items",))
