"""The application: our routes alone, for a server of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from serving.http.problems import on_http_error
from serving.http.routes import recommender_router
from serving.http.settings import HttpSettings
from serving.http.source import loader
from tfrs_mtl import __version__

if TYPE_CHECKING:
    from serving.recommender import Recommender


def create_app(
    settings: HttpSettings | None = None,
    *,
    recommender: Recommender | Callable[[], Recommender] | None = None,
) -> FastAPI:
    """Return the application; without arguments, as a factory for uvicorn and gunicorn.

    Args:
        settings: default: those of the environment.
        recommender: answers, and stays its caller's; or what loads one when the server starts, after any
            fork. Default: the one that the settings name, loaded then.

    Raises:
        UserError: a variable of the environment makes no sense.
    """
    chosen = settings or HttpSettings.from_environment(os.environ)
    app = FastAPI(
        title="tfrs-mtl",
        summary="Recommendations from a Feast feature store",
        version=__version__,
        redirect_slashes=False,
    )
    app.include_router(recommender_router(recommender or loader(chosen), settings=chosen))
    app.add_exception_handler(HTTPException, on_http_error)
    return app
