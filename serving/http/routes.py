"""The routes, as a router for any FastAPI application."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import TypeAdapter

from serving.answer import Answer, Recommendation, Versions
from serving.http.arguments import (
    events_of,
    limited_k,
    read_filters,
    read_rules,
    typed_key,
    typed_keys,
    wishes_of,
)
from serving.http.bodies import (
    BatchAnswer,
    BatchRequest,
    EventsAnswer,
    EventsRequest,
    Health,
    RecommendRequest,
)
from serving.http.gate import Room, bearer, route_class
from serving.http.metrics import CONTENT_TYPE, Metrics
from serving.http.problems import described, problem
from serving.http.settings import HttpSettings
from serving.http.source import Source

if TYPE_CHECKING:
    from serving.recommender import Recommender

_ANSWER, _BATCH = TypeAdapter(Answer), TypeAdapter(BatchAnswer)
_EXAMPLE = Answer(
    query=42,
    items=(
        Recommendation(
            item="A-1",
            score=0.31,
            predictions={"click": 0.12, "order": 0.03},
            display={"title": "Oat milk, 1 l"},
            sources=("towers", "own"),
        ),
    ),
    degraded=(),
    versions=Versions(bundle="20240501T040000Z-1f2e3d", snapshot="20240501T000000Z-0", features=("items",)),
)
_FILTERS = {"filters": {"value": '{"in_stock": true}', "summary": "Only what is in stock"}}
_RULES = {"rules": {"value": '{"clearance": false}', "summary": "Without one of the spec's rules"}}


def recommender_router(
    given: Recommender | Callable[[], Recommender], *, settings: HttpSettings | None = None
) -> APIRouter:
    """Return the routes over a recommender.

    Args:
        given: a recommender, which stays its caller's; or what loads one, called when the application starts
            (after any fork), and closed when it ends.
        settings: limits and token; default: the defaults of `HttpSettings`, whatever the environment says.
    """
    chosen = settings or HttpSettings()
    source = Source(given)
    metrics = Metrics(source)
    router = APIRouter(lifespan=source.lifespan)
    router.include_router(_answers(source, metrics, chosen))
    router.include_router(_state(source, metrics, chosen))
    router.include_router(_counts(metrics, chosen))
    return router


def _router(
    metrics: Metrics, settings: HttpSettings, *, protected: bool, room: Room | None = None
) -> APIRouter:
    token = settings.token if protected else None
    return APIRouter(
        route_class=route_class(metrics, max_body=settings.max_body, token=token, room=room),
        dependencies=[] if token is None else [Depends(bearer)],
        responses=described(500) if token is None else described(401, 500),
        generate_unique_id_function=lambda route: route.name,  # what generated clients call their methods
    )


def _answers(source: Source, metrics: Metrics, limits: HttpSettings) -> APIRouter:
    router = _router(metrics, limits, protected=True, room=Room(limits.max_in_flight))
    example: dict[int | str, dict[str, Any]] = {
        200: {"content": {"application/json": {"example": _ANSWER.dump_python(_EXAMPLE, mode="json")}}}
    }
    posted, got = described(400, 413, 422, 503), described(404, 422, 503)

    @router.post("/recommend", response_model=Answer, responses={**example, **posted})
    async def recommend(body: RecommendRequest) -> Response:
        """The best items for one query."""
        recommender = source.get()
        state = recommender.state
        query = typed_key(body.query, state.schema.query.key)
        answer = await recommender.recommend_async(query, **wishes_of(body, state, limits))
        metrics.look_at([answer])
        return _json(_ANSWER.dump_json(answer))

    @router.post("/recommend/batch", response_model=BatchAnswer, responses=posted)
    def recommend_batch(body: BatchRequest) -> Response:
        """The best items for each of many queries, from one read of the online store."""
        recommender = source.get()
        state = recommender.state
        queries = typed_keys(body.queries, state.schema.query.key, what="queries", most=limits.max_batch)
        wishes = wishes_of(body, state, limits, queries=len(queries))
        answers = recommender.recommend_many(queries, **wishes)
        metrics.look_at(answers)
        return _json(_BATCH.dump_json(BatchAnswer(answers=answers)))

    @router.get("/similar/{item:path}", response_model=Answer, responses={**example, **got})
    def similar_items(
        item: Annotated[str, Path(min_length=1, max_length=512, description="The item's join key.")],
        k: Annotated[int | None, Query(ge=1, description="How many items. Default: the spec's.")] = None,
        exclude: Annotated[list[str], Query(description="Keys of items that must not come.")] = [],  # noqa: B006
        filters: Annotated[
            str | None, Query(description="As of /recommend, as JSON.", openapi_examples=_FILTERS)
        ] = None,
        rules: Annotated[
            str | None, Query(description="As of /recommend, as JSON.", openapi_examples=_RULES)
        ] = None,
    ) -> Response:
        """The items nearest to one."""
        recommender = source.get()
        column = recommender.state.schema.item.key
        answer = recommender.similar(
            typed_key(item, column),
            k=limited_k(k, limits.max_k),
            filters=read_filters(filters),
            rules=read_rules(rules),
            exclude=typed_keys(exclude, column, what="exclude", most=limits.max_exclude),
        )
        metrics.look_at([answer])
        return _json(_ANSWER.dump_json(answer))

    @router.post("/events", responses=posted)
    def record_events(body: EventsRequest) -> EventsAnswer:
        """Tell what queries met, so that their next request sees it."""
        recommender = source.get()
        told = events_of(body, recommender.state.schema, limits)
        return EventsAnswer(outcomes=recommender.record(told))

    return router


def _state(source: Source, metrics: Metrics, settings: HttpSettings) -> APIRouter:
    router = _router(metrics, settings, protected=False)

    @router.get("/healthz")
    async def healthz() -> Health:
        """Whether the process lives."""
        return Health(status="ok")

    @router.get("/readyz", response_model=Health, responses=described(503))
    async def readyz() -> Health | Response:
        """Whether requests should be sent here."""
        status = source.get().status()
        oldest = settings.max_snapshot_age
        if oldest is not None and status.snapshot_age > oldest:
            return problem(
                503, detail=f"the items are {status.snapshot_age:.0f} s old, expected at most {oldest:.0f}"
            )
        return Health(status="ready", bundle=status.bundle, snapshot=status.snapshot)

    return router


def _counts(metrics: Metrics, settings: HttpSettings) -> APIRouter:
    router = _router(metrics, settings, protected=settings.protect_metrics)

    @router.get(
        "/metrics", name="metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE: {}}}}
    )
    def counts() -> Response:
        """What Prometheus reads."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return router


def _json(content: bytes) -> Response:
    # FastAPI would validate and copy the answer first.
    return Response(content, media_type="application/json")
