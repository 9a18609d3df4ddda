"""`tfrs-mtl serve` answers on all routes, ends after what runs, and says what is wrong before it starts."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.e2e.built import ROOT, Built

_LONGEST = 120


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _environment(**variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if "PROMETHEUS" not in name}
    return {**inherited, "PYTHONPATH": str(ROOT), **variables}


@contextmanager
def _serving(built: Built, *arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start the command, and wait until it is ready."""
    port = str(_free_port())
    command = ["-m", "tfrs_mtl", "-c", str(built.path), "serve", "--port", port, *arguments]
    with _started(command, int(port), **variables) as process:
        yield process, int(port)


@contextmanager
def _started(arguments: list[str], port: int, **variables: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, *arguments]
    with subprocess.Popen(
        command, cwd="/", env=_environment(**variables), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            end = time.monotonic() + _LONGEST
            while process.poll() is None and time.monotonic() < end and not _ready(port):
                time.sleep(0.1)
            assert process.poll() is None, process.communicate()[1]
            yield process
        finally:
            process.terminate()  # a supervisor that is killed leaves its workers behind
            process.wait(_LONGEST)


def _ready(port: int) -> bool:
    try:
        return _ask(port, "/readyz")[0] == 200
    except (URLError, ConnectionError):
        return False


def _ask(port: int, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"http://127.0.0.1:{port}{path}", data, {"content-type": "application/json", **headers})
    try:
        with urlopen(request, timeout=_LONGEST) as response:
            return response.status, response.read()
    except HTTPError as error:
        return error.code, error.read()


def _half_sent(port: int, body: bytes, **headers: str) -> socket.socket:
    """Send a request but for the last byte of its body."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=_LONGEST)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST /recommend HTTP/1.1", "host: x", "content-type: application/json", *lines]
    connection.sendall("\r\n".join([*head, f"content-length: {len(body)}", "", ""]).encode() + body[:-1])
    return connection


def test_it_answers_on_all_routes_and_ends_after_what_runs(built: Built) -> None:
    query = built.shop.queries.keys[0].as_py()
    item = str(built.shop.items.keys[0].as_py())
    bearer = {"authorization": "Bearer secret"}
    with _serving(built, TFRS_MTL_TOKEN="secret", TFRS_MTL_MAX_K="7") as (process, port):
        status, content = _ask(port, "/recommend", {"query": query, "k": 7}, **bearer)
        answer = json.loads(content)
        assert (status, len(answer["items"]), answer["versions"]["bundle"]) == (200, 7, built.bundle)
        status, content = _ask(port, "/recommend/batch", {"queries": [query] * 3}, **bearer)
        assert (status, len(json.loads(content)["answers"])) == (200, 3)
        assert _ask(port, f"/similar/{item}", **bearer)[0] == 200
        assert [_ask(port, path)[0] for path in ("/healthz", "/readyz", "/metrics", "/openapi.json")] == [
            200
        ] * 4
        assert _ask(port, "/recommend", {"query": query})[0] == 401
        assert _ask(port, "/recommend", {"query": query, "k": 8}, **bearer)[0] == 422
        body = json.dumps({"query": query, "k": 2}).encode()
        with _half_sent(port, body, **bearer) as running:
            assert _ask(port, "/healthz")[0] == 200
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            running.sendall(body[-1:])
            assert running.recv(15) == b"HTTP/1.1 200 OK"
        assert process.wait(_LONGEST) == 0, process.communicate()[1]


@contextmanager
def _gunicorn(built: Built, counts: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = _free_port()
    arguments = ["-m", "gunicorn", "--worker-class", "uvicorn_worker.UvicornWorker", "--workers", "2"]
    arguments += ["--timeout", str(_LONGEST), "--bind", f"127.0.0.1:{port}", "serving.http:create_app()"]
    variables = {"TFRS_MTL_REPO": str(built.path), "PROMETHEUS_MULTIPROC_DIR": str(counts)}
    with _started(arguments, port, **variables) as process:
        yield process, port


@pytest.mark.slow
def test_several_workers_share_the_port_and_the_counts(built: Built, tmp_path: Path) -> None:
    query = built.shop.queries.keys[0].as_py()
    # Each way once: starting takes two processes that load, and knows nothing of the shop.
    spawned = built.name == "bazaar"
    with _serving(built, "--workers", "2") if spawned else _gunicorn(built, tmp_path) as (process, port):
        end = time.monotonic() + _LONGEST
        asked, workers, text = 0, set[str](), ""
        while len(workers) < 2 and time.monotonic() < end:
            assert _ask(port, "/recommend", {"query": query})[0] == 200
            asked += 1
            text = _ask(port, "/metrics")[1].decode()
            workers |= set(re.findall(r'tfrs_mtl_bundle_info{.*worker="(\d+)"', text))
        assert len(workers) == 2
        assert f'tfrs_mtl_requests_total{{route="/recommend",status="200"}} {asked}.0' in text
        process.send_signal(signal.SIGTERM)
        assert process.wait(_LONGEST) == 0


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["--bundle", "none-such"], {}, "no bundle 'none-such'; valid: "),
        (["--bundle", "none-such", "--workers", "2"], {}, "no bundle 'none-such'; valid: "),
        ([], {"TFRS_MTL_TOKN": "secret"}, "did you mean 'TFRS_MTL_TOKEN'"),
        (["--host", "203.0.113.7"], {}, "--host 203.0.113.7 --port 8000: Cannot assign"),
    ],
)
def test_a_mistake_is_told_before_it_starts(
    built: Built, arguments: list[str], variables: dict[str, str], message: str
) -> None:
    with patch.dict(os.environ, variables):
        done = built.run("serve", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_port_in_use_is_told_before_anything_is_loaded(built: Built) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = built.run("serve", "--port", str(other.getsockname()[1]))
    assert done.exit_code == 2
    assert "Address already in use" in done.stderr


@pytest.mark.slow
def test_a_mistake_that_only_a_worker_sees_is_told_by_the_command(built: Built, tmp_path: Path) -> None:
    if built.name == "cinema":
        return  # once: it knows nothing of the shop, and two processes load
    content = yaml.safe_load((built.path / "recommender.yaml").read_text())
    spec = tmp_path / "recommender.yaml"
    filters = {"bad": {"where": "no_such_column > 1"}}
    spec.write_text(yaml.safe_dump({**content, "serving": {"filters": filters}}))
    command = ["-m", "tfrs_mtl", "-c", str(built.path), "--spec", str(spec)]
    command += ["--artefacts", str(built.project.artefacts), "serve", "--port", "0", "--workers", "2"]
    done = subprocess.run(
        [sys.executable, *command], cwd="/", env=_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    told = done.stderr.rpartition("\nError: ")[2]
    assert told.startswith("serving.filters.bad.where: 'no_such_column > 1'")
