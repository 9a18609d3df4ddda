"""What every request passes: the limit of its body, the token, the counters, errors as problems."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from serving.http.metrics import Metrics
from serving.http.problems import problem_of, too_large

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def route_class(metrics: Metrics, *, max_body: int) -> type[APIRoute]:
    """Return the class of our routes; as a class of routes it also works in somebody else's application."""

    class GatedRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            answer = super().get_route_handler()

            async def handle(request: Request) -> Response:
                began = time.perf_counter()
                try:
                    response = await answer(_Limited(request, max_body))
                except Exception as error:
                    response = problem_of(error)
                metrics.count(self.path_format, response.status_code, time.perf_counter() - began)
                return response

            return handle

    return GatedRoute


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


def token_guard(token: SecretStr) -> Any:
    """Return the dependency that lets those pass who bring the token."""
    scheme = HTTPBearer(auto_error=False, description="The token of TFRS_MTL_TOKEN.")
    expected = token.get_secret_value().encode()

    async def guard(came: Annotated[HTTPAuthorizationCredentials | None, Depends(scheme)]) -> None:
        # compare_digest takes as long for a near miss as for a far one.
        if came is None or not hmac.compare_digest(came.credentials.encode(), expected):
            raise HTTPException(
                401, "expected `Authorization: Bearer` with the token", headers={"WWW-Authenticate": "Bearer"}
            )

    return Depends(guard)
