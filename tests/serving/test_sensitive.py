"""What is sensitive moves the scores, and stands in no log, explanation or report."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from feast import FeatureStore
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination

from serving import Recommender
from serving.log import read_log
from serving.skew import compare
from serving.skew.compare import WITHHELD
from tests.e2e.built import Built, run
from tests.serving.copies import copy_of
from tests.serving.elsewhere import elsewhere
from tests.serving.loaded import busiest, load
from tfrs_mtl.dataset.assemble import Raw
from tfrs_mtl.dataset.frames import ITEM_ID, QUERY_ID, Frame
from tfrs_mtl.dataset.preprocessor import Preprocessor
from tfrs_mtl.scoring.explain import SENSITIVE

_NAMES = {
    "bazaar": ["phone", "unit price"],
    "cinema": ["birth_year", "device", "last_films", "member_genres:genre_clicks"],
}
_HIDDEN = {
    "bazaar": {"phone", "unit price"},
    "cinema": {
        "birth_year",
        "device",
        "last_films",
        "last_film_ages",
        "genre_clicks",
        "genre_shown",
        "genre_recency",
    },
}
_CONTEXT: dict[str, dict[str, Any]] = {
    "bazaar": {"phone": True},
    "cinema": {"device": "tv"},
}


def _loaded(built: Built, root: Path, **serving: Any) -> Recommender:
    """Over artefacts of its own, with the shop's bundles and a spec that hides features."""
    root.mkdir()
    (root / "bundles").symlink_to(built.bundles)
    return Recommender.load(
        built.path, spec=_spec(built, root, **serving), artefacts=root, clock=lambda: built.at
    )


def _spec(built: Built, root: Path, **serving: Any) -> Path:
    content = yaml.safe_load((built.path / "recommender.yaml").read_text())
    file = root / "recommender.yaml"
    file.write_text(yaml.safe_dump({**content, "serving": serving, "sensitive": _NAMES[built.name]}))
    return file


def test_the_answers_are_the_same_and_explanations_hold_one_sum_in_place_of_names(
    built: Built, tmp_path: Path
) -> None:
    usual, careful = load(built), _loaded(built, tmp_path / "own")
    queries = busiest(built, 3)
    context = _CONTEXT[built.name]
    told = [r.recommend_many(queries, k=5, context=context, explain=True) for r in (usual, careful)]
    for before, after in zip(*told, strict=True):
        for shown, hidden in zip(before.items, after.items, strict=True):
            assert (shown.item, shown.score) == (hidden.item, hidden.score)
            assert shown.why is not None
            assert hidden.why is not None
            gone = {n: v for n, v in shown.why.inputs.items() if n.partition(":")[2] in _HIDDEN[built.name]}
            assert gone.keys() == shown.why.inputs.keys() - hidden.why.inputs.keys()
            assert hidden.why.inputs[SENSITIVE] == pytest.approx(sum(gone.values()), abs=1e-5)
            whole = hidden.why.baseline + sum(hidden.why.inputs.values())
            assert whole == pytest.approx(sum(hidden.why.contributions.values()), abs=1e-2)
    assert any(abs(item.why.inputs[SENSITIVE]) > 1e-4 for answer in told[1] for item in answer.items)  # type: ignore[union-attr]


def test_neither_log_holds_a_hidden_name(built: Built, tmp_path: Path) -> None:
    shadow = {"bundle": built.bundle, "share": 1.0, "every": "1ms"}
    recommender = _loaded(built, tmp_path / "own", log={"share": 1.0, "every": "1ms"}, shadow=shadow)
    recommender.recommend_many(busiest(built, 3), context=_CONTEXT[built.name])
    recommender.close()
    log, shadowed = read_log(tmp_path / "own" / "log"), read_log(tmp_path / "own" / "shadow")
    assert (len(log), len(shadowed)) == (3, 3)
    schema = recommender.state.schema
    features = {f.name for f in (*schema.query.fetched, *schema.context)}
    columns = {*log.column_names, *shadowed.column_names}
    assert columns & features == features - schema.sensitive
    assert not {name.partition("__")[2] for name in columns} & _HIDDEN[built.name]


def test_feasts_own_log_holds_no_hidden_value(built: Built, tmp_path: Path) -> None:
    """Its columns are Feast's to say: they stay, and are null. Without a service there is no such log."""
    if built.project.schema.query.service is None:
        return
    path, held = copy_of(built, tmp_path / "repo"), tmp_path / "feast_log"
    store = FeatureStore(str(path))
    service = store.get_feature_service(built.project.schema.query.service.name)
    service.logging_config = LoggingConfig(destination=FileLoggingDestination(path=str(held)))
    store.apply([service])
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "bundles").symlink_to(built.bundles)
    spec = _spec(built, tmp_path / "own", log={"share": 1.0, "every": "1ms"})
    recommender = Recommender.load(path, spec=spec, artefacts=tmp_path / "own", clock=lambda: built.at)
    recommender.recommend_many(busiest(built, 3))
    recommender.close()
    assert recommender.status().counts["logged"] == 3
    table = pq.read_table(held)
    hidden = [n for n in table.column_names if n.partition("__")[2].partition("__")[0] in _HIDDEN[built.name]]
    assert len(hidden) >= 3 * 5  # the value, its time and its status
    assert all(table.column(name).null_count == 3 for name in hidden)
    assert table.column("member_behaviour__clicks_28d").null_count < 3


def test_a_replay_says_what_the_log_does_not_hold_and_compares_the_rest(built: Built, tmp_path: Path) -> None:
    root = elsewhere(built, tmp_path / "repo", emptied=False, log={"share": 1}, refresh=None, deadline="10s")
    shutil.copytree(built.bundles, root / "artefacts" / "bundles")
    content = yaml.safe_load((root / "recommender.yaml").read_text())
    hiding = yaml.safe_dump({**content, "sensitive": _NAMES[built.name]})
    (root / "recommender.yaml").write_text(hiding)
    recommender = Recommender.load(root, clock=lambda: built.at)
    recommender.recommend_many(busiest(built, 20), at=built.at + timedelta(seconds=1))
    recommender.close()
    schema = recommender.state.schema
    unlogged = sorted(f.name for f in (*schema.query.fetched, *schema.context) if f.name in schema.sensitive)
    told = json.loads(run("-c", str(root), "skew", "--replay", "--json").stdout)
    assert (told["ok"], told["queries"], sorted(told["unlogged"])) == (True, 20, unlogged)
    shown = run("-c", str(root), "skew", "--replay").stdout
    assert f"does not hold it: {told['unlogged'][0]}" in shown
    (root / "recommender.yaml").write_text(yaml.safe_dump(content))
    after = json.loads(run("-c", str(root), "skew", "--replay", "--json").stdout)
    assert (after["ok"], sorted(after["unlogged"])) == (True, unlogged)


def test_a_difference_of_a_sensitive_feature_tells_no_value() -> None:
    offline, served = (_raw(value) for value in (1.0, 2.0))
    (found,) = compare(Preprocessor((), (), ()), offline=offline, served=served, sensitive={"v__x"})
    assert (found.feature, found.rows) == ("v__x", 1)
    assert (found.example.offline, found.example.served) == (WITHHELD, WITHHELD)


def _raw(value: float) -> Raw:
    times, rows = np.zeros(1, np.int64), np.zeros(1, np.int64)
    queries = Frame({QUERY_ID: pa.array(["q"]), "v__x": pa.array([value])}, times)
    return Raw(queries, Frame({ITEM_ID: pa.array(["i"])}, times), None, rows, rows)


def test_the_report_names_no_hidden_feature(built: Built, tmp_path: Path) -> None:
    spec = _spec(built, tmp_path)
    page = tmp_path / "report.html"
    done = run("-c", str(built.path), "--spec", str(spec), "report", "--out", str(page), "--json")
    assert done.exit_code == 0, done.output
    text = page.read_text()
    assert SENSITIVE in text
    assert not any(f":{name}" in text for name in _HIDDEN[built.name])
