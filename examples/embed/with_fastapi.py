"""Recommendations in a FastAPI service: `uvicorn --app-dir examples/embed with_fastapi:app --workers 2`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from serving import Answer, Recommender
from tfrs_mtl.errors import RequestError


class Wish(BaseModel):
    query: int | str
    k: int = 10


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Runs in each worker, after any fork. What is not answered yet waits.
    recommender = Recommender.load(Path(os.environ.get("FEATURE_REPO", "feature_repo")))
    app.state.recommender = recommender
    yield
    recommender.close()


app = FastAPI(lifespan=lifespan)


@app.post("/recommendations")
async def recommendations(wish: Wish, request: Request) -> Answer:
    recommender: Recommender = request.app.state.recommender
    return await recommender.recommend_async(wish.query, k=wish.k)


@app.exception_handler(RequestError)
async def refuse(request: Request, error: RequestError) -> JSONResponse:
    return JSONResponse({"error": str(error)}, 400)
