"""What every request passes: the token, the limit of its body, the counters, errors as problems."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import SecretStr

from serving.http.metrics import Metrics
from serving.http.problems import overloaded, problem_of, too_large

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

bearer = HTTPBearer(auto_error=False, description="The token of TFRS_MTL_TOKEN.")
"""Says in the OpenAPI description what the gate asks for before it reads a body."""


class Room:
    """How many requests are being answered; on one event loop, so without a lock."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken = 0

    def enter(self) -> bool:
        """Take a place; false where there is none."""
        if self._taken >= self.most:
            return False
        self._taken += 1
        return True

    def leave(self) -> None:
        """Give a place back."""
        self._taken -= 1


def route_class(
    metrics: Metrics, *, max_body: int, token: SecretStr | None = None, room: Room | None = None
) -> type[APIRoute]:
    """Return the class of our routes; as a class of routes it also works in somebody else's application.

    Args:
        metrics: what counts the requests.
        max_body: bytes of a body at most.
        token: what a caller must bring; None lets everybody in.
        room: of all routes that share it; None for those that must answer whatever the load.
    """

    class GatedRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            answer = super().get_route_handler()

            async def handle(request: Request) -> Response:
                began = time.perf_counter()
                try:
                    if token is not None:
                        _check_token(request, token)
                    with _place(room, metrics, self.path_format):
                        response = await answer(_Limited(request, max_body))
                except Exception as error:
                    response = problem_of(error)
                metrics.count(self.path_format, response.status_code, time.perf_counter() - began)
                return response

            return handle

    return GatedRoute


@contextmanager
def _place(room: Room | None, metrics: Metrics, route: str) -> Iterator[None]:
    """Hold a place in the room; refuse where there is none, before the body is read."""
    if room is None:
        yield
        return
    if not room.enter():
        metrics.refused(route)
        raise overloaded(room.most)
    try:
        yield
    finally:
        room.leave()


class _Limited(Request):
    """A request that stops reading where its body is too large, whatever its headers say."""

    def __init__(self, request: Request, limit: int) -> None:
        super().__init__(request.scope, request.receive)
        self._limit = limit
        self._whole: bytes | None = None

    async def body(self) -> bytes:
        if self._whole is None:
            parts, size = [], 0
            async for part in self.stream():
                size += len(part)
                if size > self._limit:
                    raise too_large(self._limit)
                parts.append(part)
            self._whole = b"".join(parts)
        return self._whole


def _check_token(request: Request, token: SecretStr) -> None:
    scheme, _, came = request.headers.get("authorization", "").partition(" ")
    # compare_digest takes as long for a near miss as for a far one; headers are decoded as Latin-1.
    same = hmac.compare_digest(came.strip().encode("latin-1"), token.get_secret_value().encode())
    if scheme.lower() != "bearer" or not same:
        raise HTTPException(
            401, "expected `Authorization: Bearer` with the token", headers={"WWW-Authenticate": "Bearer"}
        )
