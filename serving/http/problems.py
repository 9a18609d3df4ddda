"""Errors after RFC 9457: application/problem+json names the key, what came, what would be right."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as AnyHTTPException

from tfrs_mtl.errors import RequestError

MEDIA_TYPE = "application/problem+json"
_LONGEST_VALUE, _LONGEST_MESSAGE = 100, 1_000
_AGAIN_AFTER = 1  # seconds: requests take fractions of one
_LOG = logging.getLogger("serving.http")


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    key: str = Field(description="Where it stands, such as `exclude.3`.", examples=["k"])
    message: str = Field(
        description="What came and what would be right.", examples=["expected 1 to 1000, got 0"]
    )


class Problem(BaseModel):
    """Why a request was not answered."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Unprocessable Entity",
                "status": 422,
                "detail": "k: expected 1 to 1000, got 0",
                "errors": [{"key": "k", "message": "expected 1 to 1000, got 0"}],
            }
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Fault] = []


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI description says of these statuses; no reference: the app may be another's."""
    schema = Problem.model_json_schema()
    schema["properties"]["errors"]["items"] = schema.pop("$defs")["Fault"]
    content = {MEDIA_TYPE: {"schema": schema}}
    return {n: {"description": HTTPStatus(n).phrase, "content": content} for n in statuses}


def problem_of(error: Exception) -> Response:
    """Return the answer to a request that failed by this error."""
    if isinstance(error, RequestError):
        said = _cut(str(error), _LONGEST_MESSAGE)  # it may repeat a list of whatever length
        key, _, message = said.partition(": ")
        return problem(422, [Fault(key=key, message=message)] if message else (), detail=said)
    if isinstance(error, RequestValidationError):
        return problem(422, [_fault(found) for found in error.errors()])
    if isinstance(error, AnyHTTPException):
        return problem(error.status_code, detail=str(error.detail), headers=error.headers)
    _LOG.error("a request failed", exc_info=error)
    return problem(500, detail="the server failed; its log says how")


def problem(
    status: int,
    faults: list[Fault] | tuple[Fault, ...] = (),
    *,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem as a response."""
    said = detail or "; ".join(f"{fault.key}: {fault.message}" for fault in faults)
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=said, errors=list(faults))
    return Response(body.model_dump_json(), status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def _fault(found: Mapping[str, Any]) -> Fault:
    where = [str(part) for part in found["loc"]]
    key = ".".join(where[1:] if len(where) > 1 else where)
    message = found["msg"].removeprefix("Value error, ")
    if found["type"] == "json_invalid":
        return Fault(key=where[0] if where[0] == "body" else key, message=_no_json(found))
    if found["type"] == "missing":
        return Fault(key=key, message="is required, and did not come")
    came = _cut(ascii(found["input"]), _LONGEST_VALUE)
    return Fault(key=key, message=f"{message}, got {came}")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."


def _no_json(found: Mapping[str, Any]) -> str:
    place = found["loc"][-1]
    at = f" at character {place}" if isinstance(place, int) else ""
    return f"expected JSON: {found['ctx']['error']}{at}"


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer paths and methods that do not exist in the same form."""
    return problem_of(error)


def overloaded(limit: int) -> HTTPException:
    """Return the error of a request beyond those that are answered at a time."""
    again = {"Retry-After": str(_AGAIN_AFTER)}
    return HTTPException(503, f"{limit} requests are being answered already; ask again in a moment", again)


def too_large(limit: int) -> HTTPException:
    """Return the error of a body beyond the limit."""
    return HTTPException(413, f"body: expected at most {limit} bytes")
