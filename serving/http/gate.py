"""What every request passes: the token, the limit of its body, the counters, errors as problems."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import SecretStr

from serving.http.metrics import Metrics
from serving.http.problems import problem_of, too_large

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

bearer = HTTPBearer(auto_error=False, description="The token of TFRS_MTL_TOKEN.")
"""Says in the OpenAPI description what the gate asks for before it reads a body."""


def route_class(metrics: Metrics, *, max_body: int, token: SecretStr | None = None) -> type[APIRoute]:
    """Return the class of our routes; as a class of routes it also works in somebody else's application.

    Args:
        metrics: what counts the requests.
        max_body: bytes of a body at most.
        token: what a caller must bring; None lets everybody in.
    """

    class GatedRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            answer = super().get_route_handler()

            async def handle(request: Request) -> Response:
                began = time.perf_counter()
                try:
                    if token is not None:
                        _check_token(request, token)
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


def _check_token(request: Request, token: SecretStr) -> None:
    scheme, _, came = request.headers.get("authorization", "").partition(" ")
    # compare_digest takes as long for a near miss as for a far one; headers are decoded as Latin-1.
    same = hmac.compare_digest(came.strip().encode("latin-1"), token.get_secret_value().encode())
    if scheme.lower() != "bearer" or not same:
        raise HTTPException(
            401, "expected `Authorization: Bearer` with the token", headers={"WWW-Authenticate": "Bearer"}
        )
