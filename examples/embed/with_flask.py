"""In a Flask service: `gunicorn --chdir examples/embed --threads 8 "with_flask:create_app()"`."""

from __future__ import annotations

import atexit
import os
from pathlib import Path

from flask import Flask, Response, request
from pydantic import TypeAdapter

from serving import Answer, Recommender
from tfrs_mtl.errors import RequestError

ANSWER = TypeAdapter(Answer)


def create_app() -> Flask:
    # gunicorn calls this in each worker, after its fork; leave --preload out.
    recommender = Recommender.load(Path(os.environ.get("FEATURE_REPO", "feature_repo")))
    atexit.register(recommender.close)
    app = Flask(__name__)

    @app.post("/recommendations")
    def recommendations() -> Response:
        wish = request.get_json()
        answer = recommender.recommend(wish["query"], k=wish.get("k", 10))
        return Response(ANSWER.dump_json(answer), mimetype="application/json")

    @app.errorhandler(RequestError)
    def refuse(error: RequestError) -> tuple[dict[str, str], int]:
        return {"error": str(error)}, 400

    return app
