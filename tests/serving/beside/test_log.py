"""What is logged of the answers, by whom, and how it is read back."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from feast import FeatureStore
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus

from serving import Answer, Recommender
from serving.log import logged_queries, read_log
from tests.e2e.built import Built
from tests.serving.copies import copy_of
from tests.serving.loaded import busiest, load, spec_with
from tfrs_mtl.dataset.frames import QUERY_ID
from tfrs_mtl.errors import DataError

_CONTEXT: dict[str, dict[str, Any]] = {"bazaar": {"phone": True}, "cinema": {"device": "tv"}}


def logging_to(built: Built, directory: Path, **log: Any) -> Recommender:
    return load(built, artefacts=linked(built, directory), log={"every": "1ms", **log})


def linked(built: Built, directory: Path) -> Path:
    """A directory of artefacts of its own, with the shop's bundles."""
    directory.mkdir()
    (directory / "bundles").symlink_to(built.bundles)
    return directory


def test_a_logged_answer_is_read_back_as_it_was_given(built: Built, tmp_path: Path) -> None:
    recommender = logging_to(built, tmp_path / "artefacts", share=1.0)
    queries = busiest(built, 3)
    answers = recommender.recommend_many(queries, context=_CONTEXT[built.name])
    recommender.close()
    table = read_log(tmp_path / "artefacts" / "log")
    for row, answer in zip(table.to_pylist(), answers, strict=True):
        assert (row["request_id"], row["query"], row["at"]) == (answer.request_id, answer.query, built.at)
        assert (row["bundle"], row["snapshot"]) == (answer.versions.bundle, answer.versions.snapshot)
        assert row["items"] == [item.item for item in answer.items]
        assert row["scores"] == [item.score for item in answer.items]
        assert [dict(each) for each in row["predictions"]] == [item.predictions for item in answer.items]
        assert [tuple(each) for each in row["sources"]] == [item.sources for item in answer.items]
        context = {f.column: row[f.name] for f in built.project.schema.context}
        assert context == {**dict.fromkeys(context), **_CONTEXT[built.name]}
    assert recommender.status().counts["logged"] == 3


def test_the_log_holds_the_features_that_were_served(built: Built, tmp_path: Path) -> None:
    recommender = logging_to(built, tmp_path / "artefacts", share=1.0)
    queries = busiest(built, 3)
    recommender.recommend_many(queries)
    recommender.close()
    schema = recommender.state.schema
    frame = logged_queries(read_log(tmp_path / "artefacts" / "log", bundle=built.bundle), schema)
    assert frame.columns[QUERY_ID].to_pylist() == queries
    if schema.query.service is not None:
        served = built.project.repo.online(schema.query, queries, at=built.at)
        assert {n: c.to_pylist() for n, c in frame.columns.items() if n != QUERY_ID} == served.to_pydict()


def test_the_log_is_read_by_time(built: Built, tmp_path: Path) -> None:
    recommender = logging_to(built, tmp_path / "artefacts", share=1.0)
    (query,) = busiest(built, 1)
    days = [built.at + timedelta(days=n) for n in (2, 0, 1)]
    for at in days:
        recommender.recommend(query, at=at)
    recommender.close()
    log = tmp_path / "artefacts" / "log"
    assert read_log(log).column("at").to_pylist() == sorted(days)
    assert read_log(log, start=days[1], end=days[0]).column("at").to_pylist() == sorted(days)[:2]
    with pytest.raises(DataError, match="no log of that time"):
        read_log(log, start=days[0] + timedelta(days=30))


def test_without_the_setting_nothing_is_logged(built: Built, tmp_path: Path) -> None:
    recommender = load(built, artefacts=linked(built, tmp_path / "artefacts"))
    recommender.recommend(busiest(built, 1)[0])
    recommender.close()
    assert not (tmp_path / "artefacts" / "log").exists()


def test_a_log_that_cannot_be_written_costs_no_answer_and_is_counted(built: Built, tmp_path: Path) -> None:
    recommender = logging_to(built, tmp_path / "artefacts", share=1.0)
    (tmp_path / "artefacts" / "log").write_text("in the way")
    answer = recommender.recommend(busiest(built, 1)[0])
    recommender.close()
    assert isinstance(answer, Answer)
    assert recommender.status().counts["log_failures"] == 1


def test_feasts_own_log_gets_the_features_in_its_columns(built: Built, tmp_path: Path) -> None:
    """A service without a ``logging_config`` has none; the cinema's gets one here."""
    if built.project.schema.query.service is None:
        assert not built.project.repo.log_features(built.project.schema.query, pa.table({}))
        return
    path, held = copy_of(built, tmp_path / "repo"), tmp_path / "feast_log"
    store = FeatureStore(str(path))
    service = store.get_feature_service(built.project.schema.query.service.name)
    service.logging_config = LoggingConfig(destination=FileLoggingDestination(path=str(held)))
    store.apply([service])
    artefacts = linked(built, tmp_path / "artefacts")
    spec = spec_with(built, log={"share": 1.0, "every": "1ms"})
    recommender = Recommender.load(path, spec=spec, artefacts=artefacts, clock=lambda: built.at)
    known, unknown = recommender.recommend_many([*busiest(built, 1), "nobody"])
    recommender.close()
    assert recommender.status().counts["logged"] == 2
    assert "log_failures" not in recommender.status().counts
    job = store._get_provider().retrieve_feature_service_logs(
        service, built.at, built.at + timedelta(days=1), store.config, store.registry
    )
    rows = {row["member_code"]: row for row in job.to_arrow().to_pylist()}
    served = built.project.repo.online(built.project.schema.query, [known.query], at=built.at).to_pylist()[0]
    found = rows[known.query]
    assert (found["__request_id"], rows["nobody"]["__request_id"]) == (known.request_id, unknown.request_id)
    assert {name: found[name] for name in served} == {name: _naive(value) for name, value in served.items()}
    for name, value in served.items():
        absent = (FieldStatus.NULL_VALUE, FieldStatus.NOT_FOUND)
        assert found[f"{name}__status"] in ((FieldStatus.PRESENT,) if value is not None else absent)
        assert rows["nobody"][f"{name}__status"] == FieldStatus.NOT_FOUND
    behaviour = built.project.repo.held(built.project.repo.catalogue.views["member_behaviour"], [known.query])
    (time,) = behaviour.times.to_pylist()
    assert _naive(found["member_behaviour__last_films__timestamp"]) == _naive(time)


def _naive(value: Any) -> Any:
    """Feast's log comes back without zones, in UTC."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
