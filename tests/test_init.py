"""`tfrs-mtl init`: the proposal passes the check, and where there is a choice the message lists it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shops import SHOPS
from tests.shops.files import DAY, micros
from tfrs_mtl.check import check_project
from tfrs_mtl.cli import main
from tfrs_mtl.errors import DataError, RequestError
from tfrs_mtl.features import build_features
from tfrs_mtl.project import open_project
from tfrs_mtl.proposal import Wishes, propose, to_text, write_text
from tfrs_mtl.proposal.dates import split_moments
from tfrs_mtl.proposal.labels import choose_labels, countable, find_labels
from tfrs_mtl.proposal.roles import find_roles
from tfrs_mtl.schema import Catalogue, Column, DType, Entity, Selection, Service, Source, View
from tfrs_mtl.spec import Spec, parse_spec
from tfrs_mtl.store import open_repo

INT, TEXT, FLAG = DType("int", False, "Int64"), DType("string", False, "String"), DType("bool", False, "Bool")
NUMBER, MAP = DType("float", False, "Float64"), DType("unsupported", False, "Map")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a shop's repo, applied, its behaviour views written, without its recommender.yaml."""
    made: dict[str, Path] = {}

    def once(name: str) -> Path:
        if name not in made:
            made[name] = SHOPS[name](tmp_path_factory.mktemp(name) / "repo")
            apply = "import sys; from feast.cli.cli import cli; cli(['-c', sys.argv[1], 'apply'])"
            subprocess.run([sys.executable, "-c", apply, str(made[name])], check=True, capture_output=True)
            project = open_project(made[name])
            list(build_features(project, now=project.spec.split.end or project.spec.split.test))
            (made[name] / "recommender.yaml").unlink()
        return made[name]

    return once


@pytest.fixture
def repo(shop: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """Return a copy of a shop's repo; its sources lie in the original."""

    def copied(name: str) -> Path:
        return Path(shutil.copytree(shop(name), tmp_path / name))

    return copied


def _init(repo: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["-c", str(repo), "init", *options])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("name", "options", "tasks"),
    [
        ("bazaar", ("--query", "session"), ["ordered"]),
        ("bazaar", ("--item", "article", "--label", "ordered", "--label", "kept"), ["ordered", "kept"]),
        ("cinema", ("--query", "member", "--label", "click"), ["click"]),
        ("cinema", ("--query", "member", "--label", "order", "--label", "revenue"), ["order", "revenue"]),
    ],
)
def test_the_result_passes_the_check(
    name: str, options: tuple[str, ...], tasks: list[str], repo: Callable[[str], Path]
) -> None:
    path = repo(name)
    status, output = _init(path, *options)
    assert status == 0, output
    assert "still to mend" not in output
    findings = check_project(path)
    assert findings.is_fine, findings.problems
    assert findings.schema is not None
    assert [task.name for task in findings.schema.spec.ranking.tasks] == tasks


def test_events_that_are_all_positives_get_sampled_negatives_and_impressions_do_not(
    shop: Callable[[str], Path],
) -> None:
    orders = _proposed(shop("bazaar"), Wishes(query="session", labels=("ordered", "gift")))
    assert orders.ranking.negatives is not None
    assert [task.when for task in orders.ranking.tasks] == [None, "ordered"]
    impressions = _proposed(shop("cinema"), Wishes(query="member", labels=("click", "order")))
    assert impressions.ranking.negatives is None
    assert [task.when for task in impressions.ranking.tasks] == [None, None]


def _proposed(path: Path, wishes: Wishes) -> Spec:
    return _parsed(to_text(propose(open_repo(path), wishes)))


def _parsed(text: str) -> Spec:
    return parse_spec(yaml.safe_load(text))


@pytest.mark.parametrize("name", sorted(SHOPS))
def test_the_examples_in_its_comments_are_valid_once_uncommented(
    name: str, shop: Callable[[str], Path]
) -> None:
    wishes = {"bazaar": Wishes(query="session"), "cinema": Wishes(query="member", labels=("click",))}[name]
    text = to_text(propose(open_repo(shop(name)), wishes))
    spec = _parsed(_uncommented(text))
    assert {view.of for view in spec.behaviour.views.values()} == {"query", "item"}
    assert len(spec.ranking.tasks) > 1
    assert spec.item.display
    assert spec.interactions.context


def _uncommented(text: str) -> str:
    """Take the comment sign from every line that would be YAML of the spec without it."""
    return re.sub(r"^( *)# ( *(- \{|[a-z]\w*:( |$)))", r"\1\2", text, flags=re.MULTILINE)


def test_who_asks_is_not_guessed(shop: Callable[[str], Path], repo: Callable[[str], Path]) -> None:
    status, output = _init(repo("cinema"))
    assert status == 2
    assert "--query member or --query film" in output


def test_several_labels_are_listed_with_what_they_hold(repo: Callable[[str], Path]) -> None:
    status, output = _init(repo("cinema"), "--query", "member")
    assert status == 2
    assert "--label" in output
    assert "click (20.6% true)" in output
    assert "order (7.3% true)" in output


def test_a_file_that_exists_is_replaced_by_force_alone(repo: Callable[[str], Path]) -> None:
    path = repo("bazaar")
    (path / "recommender.yaml").write_text("mine")
    status, output = _init(path, "--query", "session")
    assert status == 2
    assert "--force" in output
    assert (path / "recommender.yaml").read_text() == "mine"
    assert _init(path, "--query", "session", "--force")[0] == 0
    assert check_project(path).is_fine


def test_a_file_that_appears_meanwhile_is_not_replaced_either(tmp_path: Path) -> None:
    file = tmp_path / "recommender.yaml"
    file.write_text("theirs")
    with pytest.raises(RequestError, match="exists"):
        write_text(file, "ours", replace=False)
    assert [f.name for f in tmp_path.iterdir()] == ["recommender.yaml"]
    assert file.read_text() == "theirs"


def test_a_registry_that_was_not_applied_says_so(tmp_path: Path) -> None:
    SHOPS["bazaar"](tmp_path / "repo")
    (tmp_path / "repo" / "recommender.yaml").unlink()
    status, output = _init(tmp_path / "repo", "--query", "session")
    assert status == 2
    assert "feast apply" in output
    assert not (tmp_path / "repo" / "recommender.yaml").exists()


# A registry by hand, for the choices that the generated shops do not leave.


def _view(name: str, entities: tuple[str, ...], columns: tuple[Column, ...] = ()) -> View:
    keys = tuple(Column(f"{entity} id", INT) for entity in entities)
    source = Source("FileSource", Path("/nowhere") / f"{name}.parquet", "at", None)
    return View(name, entities, keys, columns, None, source)


def _service(name: str, *views: View) -> Service:
    selections = [
        Selection(view, view.name, view.columns, tuple((k.name, k.name) for k in view.keys)) for view in views
    ]
    return Service(name, tuple(selections))


def _catalogue(*views: View, services: tuple[Service, ...] = ()) -> Catalogue:
    entities = {e: Entity(e, f"{e} id") for view in views for e in view.entities}
    named = {service.name: service for service in services}
    return Catalogue("the registry", "duckdb", entities, {view.name: view for view in views}, named)


PLAYS, CAFE = _view("plays", ("user", "song")), _view("visits", ("user", "cafe", "hour"))
SONG, USER = _view("songs", ("song",)), _view("users", ("user",))


def test_the_interactions_are_the_view_that_joins_two_entities() -> None:
    roles = find_roles(_catalogue(SONG, PLAYS, USER), Wishes(item="song"))
    assert (roles.events.name, roles.query.entity.name, roles.item.key.name) == ("plays", "user", "song id")
    assert roles.query.service is None
    assert roles.item.service is None


def test_a_service_is_taken_where_it_is_the_only_one_of_its_entity_alone() -> None:
    services = (_service("mixed", SONG, USER), _service("songs_v1", SONG), _service("pairs", PLAYS))
    roles = find_roles(_catalogue(SONG, PLAYS, USER, services=services), Wishes(query="user"))
    assert roles.item.service is not None
    assert roles.item.service.name == "songs_v1"
    assert roles.query.service is None


@pytest.mark.parametrize(
    ("catalogue", "wishes", "said"),
    [
        (_catalogue(), Wishes(), "feast apply"),
        (
            _catalogue(SONG, USER),
            Wishes(),
            "no feature view in .* joins two entities.*songs.*users",
        ),
        (_catalogue(PLAYS, CAFE), Wishes(), "--view.*plays.*visits"),
        (_catalogue(PLAYS, CAFE), Wishes(view="play"), "no feature view 'play'; did you mean 'plays'"),
        (_catalogue(PLAYS, SONG), Wishes(view="songs"), "'songs' joins one entity alone"),
        (_catalogue(PLAYS), Wishes(query="usr"), "--query: .*no entity 'usr'; did you mean 'user'"),
        (_catalogue(PLAYS), Wishes(query="user", item="user"), "both 'user'"),
        (_catalogue(CAFE), Wishes(query="user"), "by --item what is recommended"),
        (
            _catalogue(PLAYS, SONG, services=(_service("a", SONG), _service("b", SONG))),
            Wishes(query="user"),
            "--item-features which is to be read: a, b",
        ),
        (
            _catalogue(PLAYS, SONG, services=(_service("a", SONG),)),
            Wishes(query="user", item_features="plays"),
            "--item-features: no feature service 'plays'.*valid: a",
        ),
    ],
)
def test_a_choice_that_is_open_is_listed(catalogue: Catalogue, wishes: Wishes, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        find_roles(catalogue, wishes)


def _labels(**values: list[object]) -> tuple[View, pa.Table]:
    types = {bool: FLAG, int: INT, float: NUMBER, str: TEXT}
    kinds = {name: types[type(next(v for v in held if v is not None))] for name, held in values.items()}
    columns = tuple(Column(name, kind) for name, kind in kinds.items())
    return _view("plays", ("user", "song"), columns), pa.table(values)


def test_a_label_is_binary_by_its_values_and_useless_where_it_says_nothing() -> None:
    view, rows = _labels(
        flag=[True, None, False],
        whole=[0, 1, 1],
        count=[3, 4, 5],
        never=[0, 0, 0],
        same=[2.5, 2.5, 2.5],
        text=["a"] * 3,
    )
    found = find_labels(countable(view), rows)
    kinds = {name: facts.kind for name, facts in found.items()}
    assert kinds == {"flag": "binary", "whole": "binary", "count": "regression"}
    assert found["flag"].text == "50.0% true, 33.3% null"


def test_counts_ratings_and_amounts_that_are_mostly_nothing_get_heads_of_their_own() -> None:
    view, rows = _labels(
        quantity=[1, 7, 0, 3],
        stars=[1, 5, 3, 5],
        star_rating=[1.5, 5.0, 3.5, 5.0],
        gift=[0.0, 0.0, 0.0, 12.5],
        price=[1.5, 2.5, 0.0, 9.0],
        profit=[-1, 2, 0, 3],
    )
    found = {name: (facts.kind, facts.loss) for name, facts in find_labels(countable(view), rows).items()}
    assert found == {
        "quantity": ("regression", "poisson"),
        "stars": ("ordinal", None),
        "star_rating": ("ordinal", None),
        "gift": ("regression", "zero_inflated_lognormal"),
        "price": ("regression", None),
        "profit": ("regression", None),
    }


def test_whole_numbers_that_name_something_are_told_from_those_that_count() -> None:
    view, rows = _labels(store_id=[7, 8, 9], quantity=[1, 2, 3], number_of_pages=[10, 20, 30])
    found = find_labels(countable(view), rows)
    assert [name for name, facts in found.items() if facts.is_likely_id] == ["store_id"]


def test_the_label_is_the_only_binary_one_or_the_only_one_that_is_always_true() -> None:
    for values in ({"liked": [True, False]}, {"liked": [True, False], "played": [1, 1]}):
        view, rows = _labels(**values)
        (chosen,) = choose_labels(find_labels(countable(view), rows), (), view=view)
        assert chosen.column.name == list(values)[-1]


@pytest.mark.parametrize(
    ("wished", "error", "said"),
    [
        (("liekd",), RequestError, "did you mean 'liked'"),
        (("price", "liked"), RequestError, "'price' is not; there are: liked .*bought"),
        ((), RequestError, r"liked \(50.0% true\), bought"),
    ],
)
def test_a_label_that_cannot_be_the_first_is_told(
    wished: tuple[str, ...], error: type[Exception], said: str
) -> None:
    view, rows = _labels(liked=[True, False], bought=[0, 1], price=[1.0, 2.0])
    with pytest.raises(error, match=said):
        choose_labels(find_labels(countable(view), rows), wished, view=view)


def test_events_without_any_flag_ask_for_one() -> None:
    view, rows = _labels(price=[1.0, 2.0])
    with pytest.raises(DataError, match="add a column that is always true"):
        choose_labels(find_labels(countable(view), rows), (), view=view)


@settings(deadline=None)
@given(st.lists(st.integers(0, 400 * DAY), min_size=3, max_size=60, unique=True), st.data())
def test_a_split_leaves_no_window_empty_and_something_to_learn_from(
    times: list[int], data: st.DataObject
) -> None:
    ordered = np.array(sorted(times), np.int64)
    positive = np.array(data.draw(st.lists(st.booleans(), min_size=len(times), max_size=len(times))))
    try:
        validation, test = (micros(moment) for moment in split_moments(ordered, positive))
    except DataError:
        cut = ordered[int(0.7 * len(ordered))]
        assert not positive[ordered < cut].any() or len(ordered) < 7
        return
    assert positive[ordered < validation].any()
    assert ((ordered >= validation) & (ordered < test)).any()
    assert (ordered >= test).any()


def test_a_split_is_by_whole_days_where_days_will_do() -> None:
    times = np.arange(0, 100 * DAY, DAY // 4)
    validation, test = split_moments(times, np.ones(len(times), bool))
    assert (micros(validation), micros(test)) == (70 * DAY, 85 * DAY)


def test_names_that_yaml_would_misread_are_quoted_and_tasks_get_names_of_their_own(
    shop: Callable[[str], Path],
) -> None:
    proposal = propose(open_repo(shop("bazaar")), Wishes(query="session"))
    names = ["yes", "no: 1", "no 1", "1st", "ß"]
    labels = tuple(replace(proposal.labels[0], column=Column(name, FLAG)) for name in names)
    odd = replace(proposal, name="2nd shop", labels=labels, others=())
    spec = _parsed(to_text(odd))
    assert [task.label for task in spec.ranking.tasks] == names
    assert len({task.name for task in spec.ranking.tasks}) == 5


def test_features_that_no_model_takes_are_ignored(shop: Callable[[str], Path]) -> None:
    proposal = propose(open_repo(shop("bazaar")), Wishes(query="session"))
    odd = _view("facts", ("article",), (Column("blob", MAP), Column("colour", TEXT)))
    item = replace(proposal.roles.item, service=_service("articles", odd))
    text = to_text(replace(proposal, roles=replace(proposal.roles, item=item)))
    inputs = _parsed(text).inputs
    assert {key: given.kind for key, given in inputs.items()} == {"facts:blob": "ignore"}
    assert "No file yet behind facts: blob, colour" in text
