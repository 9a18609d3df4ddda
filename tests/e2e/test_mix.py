"""The candidates of all sources in one order, learnt on a shop that was brought all the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.built import SEED, Built
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.bundle.contents import Contents, open_contents
from tfrs_mtl.evaluation.retrieval import CandidateContender, TowerContender, judge, read_moment
from tfrs_mtl.evaluation.truth import truth_of
from tfrs_mtl.models import Models
from tfrs_mtl.scoring import Scorer, standing_for, to_snapshot
from tfrs_mtl.training.mixing import fit_mixer
from tfrs_mtl.training.prepare import prepare


@pytest.fixture(scope="module")
def contents(built: Built) -> Contents:
    """The bundle's contents, and a mixer fitted for its towers."""
    bundle = BundleStore(built.project.bundles).open(built.bundle)
    found = open_contents(bundle, built.project).contents
    sets = replace(prepare(built.shop, seed=SEED), preprocessor=found.models.preprocessor)
    # Cinema holds out 65 met pairs: there one network in two is no better than the towers, and is none.
    tried = (fit_mixer(built.shop, sets, found.models, seed=seed) for seed in range(SEED, SEED + 8))
    mixer = next((fitted for fitted in tried if fitted is not None), None)
    assert mixer is not None
    return replace(found, models=replace(found.models, mixer=mixer))


def scorer_at(built: Built, models: Models, at: int, moment: object) -> Scorer:
    return Scorer(
        schema=built.shop.schema,
        models=models,
        items=to_snapshot(models, moment.items),  # type: ignore[attr-defined]
        candidates=100,
        k=10,
        weights=built.project.spec.weights,
        standing=standing_for(models, built.shop, at),
    )


def test_mixed_candidates_are_at_least_as_good_as_the_towers_and_obey_what_is_excluded(
    built: Built, contents: Contents
) -> None:
    truth = truth_of(built.shop, built.shop.windows.test)
    moment = read_moment(built.shop, truth)
    models = contents.models
    mixed = CandidateContender(scorer_at(built, models, truth.at, moment), moment)
    towers = TowerContender.prepare(models.retrieval, models.preprocessor, moment)
    catalogue = len(moment.items)
    for only_new in (False, True):
        ours, theirs = (
            judge(made, truth, catalogue=catalogue, only_new=only_new).means()["recall@50"]
            for made in (mixed, towers)
        )
        assert ours >= 0.97 * theirs, f"only_new={only_new}: mixed {ours:.4f}, towers {theirs:.4f}"
    asked = truth.new_only()
    found = mixed(asked, asked.seen)
    rows = np.broadcast_to(np.arange(len(found))[:, None], found.shape)
    assert not asked.seen.contains(rows, found).any()
    for row in found:
        named = row[row >= 0]
        assert len(np.unique(named)) == len(named)


def test_a_query_gets_the_same_candidates_alone_as_among_others(built: Built, contents: Contents) -> None:
    truth = truth_of(built.shop, built.shop.windows.test)
    moment = read_moment(built.shop, truth)
    scorer = scorer_at(built, contents.models, truth.at, moment)
    together = scorer.find(scorer.encode(moment.queries.slice(0, 8)), 30)
    for place in range(8):
        alone = scorer.find(scorer.encode(moment.queries.slice(place, 1)), 30)[0]
        assert set(alone.tolist()) == set(together[place].tolist())


def test_a_bundles_contents_bring_mixer_and_standing_along(
    built: Built, contents: Contents, tmp_path: Path
) -> None:
    standing = standing_for(contents.models, built.shop, 2**62)
    replace(contents, standing=standing).save(tmp_path)
    loaded = Contents.load(tmp_path, built.project.spec)
    assert standing is not None
    assert loaded.standing is not None
    assert loaded.models.mixer is not None
    np.testing.assert_array_equal(loaded.standing.popularity, standing.popularity)
    np.testing.assert_array_equal(loaded.standing.similar.toarray(), standing.similar.toarray())
    width = len(loaded.models.mixer.mean)
    signals = np.random.default_rng(0).standard_normal((7, width)).astype(np.float32)
    assert contents.models.mixer is not None
    np.testing.assert_array_equal(loaded.models.mixer(signals), contents.models.mixer(signals))
