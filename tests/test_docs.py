"""The documents hold: commands and options exist, YAML is valid, Python runs, links lead somewhere."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from serving.http import HttpSettings, create_app
from serving.http.bodies import RecommendRequest
from tests.bookshop import CUSTOMERS, DAYS, write_data
from tfrs_mtl.cli import main
from tfrs_mtl.spec import parse_spec
from tfrs_mtl.spec.reference import reference

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "docs" / "bring_your_own_shop.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and what the comment before it says of it.

    Attributes:
        note: ``file: <name>`` or ``run``; empty where there is none.
    """

    language: str
    text: str
    note: str


def blocks(document: Path, *languages: str) -> list[Block]:
    """Return the blocks of some languages, in their order."""
    text = document.read_text(encoding="utf-8")
    found = re.findall(r"(?:<!-- ([^>]*) -->\n)?^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [Block(language, body, note) for note, language, body in found if language in languages]


def commands(block: Block) -> Iterator[list[str]]:
    """Yield the words of each command; a moment stands for a command substitution."""
    for line in block.text.splitlines():
        words = shlex.split(re.sub(r"\$\([^)]*\)", _now().strftime("%Y-%m-%dT%H:%M:%S"), line), comments=True)
        if words:
            yield words


def _now() -> datetime:
    return datetime.now(timezone.utc)


@every_document
def test_every_command_exists_with_these_options(document: Path) -> None:
    for block in blocks(document, "bash"):
        for program, *words in commands(block):
            if program == "tfrs-mtl":
                _check_words(main, words)
            elif program == "feast":
                from feast.cli.cli import cli

                _check_words(cli, words)
            elif program == "uvicorn":
                from uvicorn.main import main as uvicorn

                _check_words(uvicorn, words)
            elif program == "gunicorn":
                from gunicorn.config import Config

                Config().parser().parse_args(words)
            elif program == "make":
                _check_target(words[0])
            elif program == "python":
                _check_python(words)
            elif program == "curl":
                _check_curl(words)
            else:
                assert program in ("cd", "git"), f"{document.name}: what is {program!r}?"


def _check_words(command: click.Command, words: list[str]) -> None:
    """Hold a command line against what click knows: each option, each subcommand, the number of arguments."""
    options = {name: p for p in command.params for name in (*p.opts, *p.secondary_opts)}
    rest = list(words)
    arguments = 0
    while rest:
        word = rest.pop(0)
        if word.startswith("-"):
            assert word in options, f"{command.name} has no option {word}"
            option = options[word]
            assert isinstance(option, click.Option)
            if not option.is_flag:
                rest.pop(0)
        elif isinstance(command, click.Group):
            inner = command.get_command(click.Context(command), word)
            assert inner is not None, f"{command.name} has no command {word}"
            return _check_words(inner, rest)
        else:
            arguments += 1
    wanted = [p for p in command.params if isinstance(p, click.Argument)]
    assert arguments >= sum(p.required for p in wanted), f"{command.name} {words} lacks an argument"
    assert arguments <= len(wanted) or any(p.nargs == -1 for p in wanted), f"{command.name} {words}"


def _check_target(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), (
        f"no make target {target}"
    )


def _check_python(words: list[str]) -> None:
    if words[0] == "-m":
        module = words[1].replace(".", "/")
        assert words[1] == "pip" or (ROOT / f"{module}.py").exists(), f"no module {words[1]}"
    elif words[0] != "-c":
        assert (ROOT / words[0]).exists(), f"no script {words[0]}"


def _check_curl(words: list[str]) -> None:
    """Hold what is asked against the routes, and a body against what `/recommend` takes."""
    (url,) = [word for word in words if word.startswith("localhost:8000/")]
    path = urlsplit(f"http://{url}").path
    routes = create_app(HttpSettings()).openapi()["paths"]
    assert any(re.fullmatch(re.sub(r"{\w+}", ".+", route), path) for route in routes), f"no route {path}"
    if "-d" in words:
        RecommendRequest.model_validate_json(words[words.index("-d") + 1])


@every_document
def test_every_contract_is_valid(document: Path) -> None:
    for block in blocks(document, "yaml"):
        content = yaml.safe_load(block.text)
        if isinstance(content, dict) and "interactions" in content:
            parse_spec(content, file=document.name)


@every_document
def test_all_python_compiles(document: Path) -> None:
    for block in blocks(document, "python"):
        compile(block.text, str(document), "exec")


@every_document
def test_links_lead_to_files_and_headings(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        file, _, heading = target.partition("#")
        path = (document.parent / file).resolve() if file else document
        assert path.exists(), f"{document.name} links to {target}"
        if heading:
            assert heading in _headings(path), f"{document.name} links to {target}"


def _headings(document: Path) -> set[str]:
    """Return the anchors that GitHub makes of a document's headings."""
    titles = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@every_document
def test_named_files_of_the_library_exist(document: Path) -> None:
    for name in re.findall(r"`((?:tfrs_mtl|serving|examples|docs|tests)/[\w./]+)`", document.read_text()):
        assert (ROOT / name).exists(), f"{document.name} names {name}"


def test_the_reference_of_the_keys_is_the_specs() -> None:
    written = (ROOT / "docs" / "recommender_yaml.md").read_text(encoding="utf-8")
    assert written == reference(), "python -m tfrs_mtl.spec.reference > docs/recommender_yaml.md"


# From an empty folder to recommendations, as docs/bring_your_own_shop.md says.


@pytest.fixture(scope="module")
def bookshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Do all that the document says, in its order, and return the shop's folder."""
    shop = tmp_path_factory.mktemp("from_nothing") / "bookshop"
    write_data(shop / "data", now=_now())
    before = Path.cwd()
    os.chdir(shop)
    try:
        for block in blocks(SHOP, "bash", "python", "yaml"):
            _follow(block, shop)
        yield shop
    finally:
        os.chdir(before)


def _follow(block: Block, shop: Path) -> None:
    if block.note.startswith("file: "):
        file = shop / block.note.removeprefix("file: ")
        file.write_text(_of_today(block.text) if file.name == "recommender.yaml" else block.text)
    elif block.note == "run" and block.language == "bash":
        for program, *words in commands(block):
            _run(program, words)


def _of_today(text: str) -> str:
    """Return a contract whose windows lie in the data, which is up to today, and whose training is short."""
    content: dict[str, Any] = yaml.safe_load(text)
    test = _now() - timedelta(days=DAYS // 7)
    content["split"] = {"validation": test - timedelta(days=DAYS // 7), "test": test}
    content["retrieval"] = {"training": {"epochs": 2}}
    content["ranking"]["training"] = {"epochs": 2}
    return yaml.safe_dump(content)


def _run(program: str, words: list[str]) -> None:
    """Run `tfrs-mtl` in this process, and others as a shell does."""
    if program == "tfrs-mtl":
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        assert result.exit_code == 0, f"{words}: {result.output}"
        return
    feast = ["-c", "import sys; from feast.cli.cli import cli; cli(sys.argv[1:])"]
    start = {"python": [], "feast": feast}[program]
    done = subprocess.run([sys.executable, *start, *words], capture_output=True, text=True)
    assert done.returncode == 0, f"{program} {words}: {done.stderr}"


@pytest.mark.slow
def test_the_bookshop_gets_its_recommendations(bookshop: Path) -> None:
    table = pq.read_table(bookshop / "artefacts" / "recommendations.parquet")
    assert set(table.column("rank").to_pylist()) == set(range(1, 11))
    with closing(sqlite3.connect(bookshop / "data" / "recommendations.db")) as db:
        (queries, rows), *_ = db.execute("SELECT count(DISTINCT query), count(*) FROM for_customers")
    assert (queries, rows) == (CUSTOMERS, 5 * CUSTOMERS)


@pytest.mark.slow
def test_the_readmes_python_runs(bookshop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks(ROOT / "README.md", "python")
    text = block.text.replace('"feature_repo"', repr(str(bookshop))).replace("2008", "17")
    exec(compile(text, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert "title" in lines[0]


@pytest.mark.slow
def test_the_backend_answers(bookshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bookshop.parent)
    (block,) = [b for b in blocks(SHOP, "python") if b.note == "run"]
    names: dict[str, Any] = {}
    exec(compile(block.text, SHOP.name, "exec"), names)
    app = names["app"]

    async def ask() -> None:
        async with app.router.lifespan_context(app):
            status, known = await _get(app, "/customers/17/books", "k=3")
            assert (status, len(known["books"]), known["degraded"]) == (200, 3, [])
            assert set(known["books"][0]) == {"isbn", "score", "title", "author"}
            assert (await _get(app, "/customers/-5/books"))[1]["degraded"] == ["unknown_query"]
            assert (await _get(app, "/customers/17/books", "k=0"))[0] == 422

    asyncio.run(ask())


async def _get(app: Any, path: str, query: str = "") -> tuple[int, Any]:
    """Ask an ASGI application; return the status and the JSON."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    await app(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))
