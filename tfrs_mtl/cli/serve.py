"""`tfrs-mtl serve`: recommendations over HTTP, by one process or several."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, TypedDict

import click
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from serving.http import HttpSettings, create_app
from serving.http.settings import variable
from serving.http.source import loader
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.errors import StoreError, UserError

if TYPE_CHECKING:
    from serving import Recommender

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_GRACE = 30
"""Seconds that running requests have to finish."""
_MISTAKE = "_TFRS_MTL_MISTAKE"
"""Names the file in which a worker leaves word of the user's mistake."""
_SILENCE = 120
"""Seconds that a worker may be silent: while TensorFlow loads, no thread of it answers its supervisor."""


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8_000, show_default=True, help="0: any.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="How many processes.")
@click.option("--bundle", help="Id of the bundle. Default: the current one.")
@click.pass_obj
def command(settings: Settings, host: str, port: int, workers: int, bundle: str | None) -> None:
    """Answer over HTTP until SIGTERM or Ctrl-C, then finish what runs.

    Limits and a token come from the environment, as TFRS_MTL_TOKEN; docs/http.md lists the variables.
    """
    given = _variables(settings, bundle)
    chosen = HttpSettings.from_environment({**os.environ, **given})
    if chosen.token is None and host not in _LOOPBACK:
        click.echo(
            f"note: whoever reaches {host} may ask; set {variable('token')} to ask for a token", err=True
        )
    with _bound(host, port) as bound:
        if workers == 1:
            _serve(chosen, bound)
        else:
            os.environ.update(given)
            _supervise(chosen, bound, workers)


def _variables(settings: Settings, bundle: str | None) -> dict[str, str]:
    """Return what the command line says, as the workers read it."""
    path = settings.path.resolve() if settings.path != Path() else None
    given = {"repo": path, "spec": settings.spec, "artefacts": settings.artefacts, "bundle": bundle}
    return {variable(name): str(value) for name, value in given.items() if value is not None}


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket bound before anything is loaded, so that a port in use is told at once."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise UserError(f"--host {host} --port {port}: {error.strerror or error}") from error
    bound.set_inheritable(True)
    return bound


class _Options(TypedDict):
    access_log: bool
    timeout_graceful_shutdown: int
    timeout_worker_healthcheck: int


def _options() -> _Options:
    verbose = logging.getLogger().isEnabledFor(logging.INFO)
    return _Options(access_log=verbose, timeout_graceful_shutdown=_GRACE, timeout_worker_healthcheck=_SILENCE)


def _serve(settings: HttpSettings, bound: socket.socket) -> None:
    """Load, then answer in this process."""
    recommender = loader(settings)()
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again when it has shut down
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        app = create_app(settings, recommender=recommender)
        uvicorn.Server(uvicorn.Config(app, **_options())).run(sockets=[bound])
    finally:
        recommender.close()


def _supervise(settings: HttpSettings, bound: socket.socket, workers: int) -> None:
    """Answer in processes that load for themselves, and that are started anew where they die."""
    with tempfile.TemporaryDirectory(prefix="tfrs-mtl-metrics-") as counts:
        # Before Feast is imported, which would set it to a directory of its own.
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", counts)
        mistake = Path(counts) / "mistake"
        os.environ[_MISTAKE] = str(mistake)
        _check(settings)
        config = uvicorn.Config(f"{__name__}:app_of_worker", factory=True, workers=workers, **_options())
        supervisor = Multiprocess(config, sockets=[bound])
        Thread(target=_end_at, args=(mistake, supervisor), daemon=True).start()
        supervisor.run()
        if mistake.exists():
            raise UserError(mistake.read_text())
    if any(process.exitcode == uvicorn.config.STARTUP_FAILURE for process in supervisor.processes):
        raise StoreError("a worker could not start; its log stands above")


def _end_at(mistake: Path, supervisor: Multiprocess) -> None:
    """End at a worker's word: by itself the supervisor may wait as long as a worker may be silent."""
    while not supervisor.should_exit.wait(0.2):
        if mistake.exists():
            supervisor.should_exit.set()
            for process in supervisor.processes:
                with suppress(OSError):
                    process.child_conn.send(False)  # it may wait for the answer of a worker that is gone


def app_of_worker() -> FastAPI:
    """Return the application of one of several processes, which leaves word of what the user got wrong."""
    settings = HttpSettings.from_environment(os.environ)
    load = loader(settings)

    def load_or_tell() -> Recommender:
        try:
            return load()
        except UserError as error:
            Path(os.environ[_MISTAKE]).write_text(str(error))
            raise

    return create_app(settings, recommender=load_or_tell)


def _check(settings: HttpSettings) -> None:
    """Find a mistake here rather than in every worker."""
    from tfrs_mtl.bundle import BundleStore
    from tfrs_mtl.project import open_project

    project = open_project(settings.repo, spec=settings.spec, artefacts=settings.artefacts)
    BundleStore(project.bundles).open(settings.bundle)
