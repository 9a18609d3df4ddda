"""What the HTTP interface is told from outside: the one class of serving that reads environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from tfrs_mtl.errors import UserError, closest, nearest

PREFIX = "TFRS_MTL_"

Limit = Annotated[int, Field(ge=1)]


class HttpSettings(BaseModel):
    """Where the bundle is, who may ask, and how much at once; ``TFRS_MTL_MAX_K`` sets ``max_k``, and so on.

    Attributes:
        repo: the directory of feature_store.yaml.
        bundle: id of the bundle.
        spec: another recommender.yaml than the repo's.
        artefacts: where the bundles are; default: artefacts/ in the repo.
        token: what a caller must bring as ``Authorization: Bearer ...``; None lets everybody in.
        protect_metrics: whether /metrics asks for the token too; /healthz and /readyz never do.
        max_k: items an answer.
        max_batch: queries, or events, a request.
        max_exclude: keys in ``exclude``.
        max_explain: items that one request may have explained, of all its queries.
        max_body: bytes of a request's body.
        max_in_flight: requests that a process answers at a time, health and metrics apart; more get a 503.
        max_snapshot_age: seconds after which /readyz refuses for the age of the items; None: never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repo: Path = Path()
    bundle: str = "current"
    spec: Path | None = None
    artefacts: Path | None = None
    token: SecretStr | None = Field(None, min_length=1)
    protect_metrics: bool = False
    max_k: Limit = 1_000
    max_batch: Limit = 256
    max_exclude: Limit = 10_000
    max_explain: Limit = 1_000
    max_body: Limit = 1_048_576
    max_in_flight: Limit = 100
    max_snapshot_age: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> HttpSettings:
        """Read the variables that begin with ``TFRS_MTL_``; an empty one counts as not set.

        Kubernetes sets variables of its own for a service of the name tfrs-mtl, such as
        ``TFRS_MTL_SERVICE_HOST``: what resembles none of ours is none of our business.

        Raises:
            UserError: a name near one of ours, which may be a misspelt token, or a value without sense.
        """
        found = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(PREFIX) and value
        }
        names = list(cls.model_fields)
        for name in found:
            if name not in names and closest(name, names):
                valid = [variable(name) for name in names]
                raise UserError(f"{variable(name)}: no such variable; {nearest(variable(name), valid)}")
        try:
            return cls.model_validate({name: value for name, value in found.items() if name in names})
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            raise UserError(
                f"{variable(str(fault['loc'][0]))}: {fault['msg']}, got {fault['input']!r}"
            ) from error


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"
