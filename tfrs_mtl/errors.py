"""Every error a user can meet.

TfrsMtlError
├── UserError              the caller can mend it: exit status 2 on the command line
│   ├── SpecError          recommender.yaml says what it may not
│   ├── RegistryError      the Feast registry lacks, or contradicts, what the spec names
│   ├── DataError          a file or table cannot be read, or holds what it may not
│   ├── BundleError        a bundle is missing, damaged, or made for another registry
│   └── RequestError       a request (a query, a k, a run id) makes no sense
└── StoreError             Feast, a database or a disk failed under us: exit status 1
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal


class TfrsMtlError(Exception):
    """Root of all errors raised by this library."""


class UserError(TfrsMtlError):
    """Something the caller can mend; the message says how."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where it stands, what came, what would be right.

    Attributes:
        where: the file and key, e.g. ``recommender.yaml: ranking.tasks.0.label``.
        what: what came and what was expected, one sentence.
        severity: a hint is worth a look, and stops nothing.
    """

    where: str
    what: str
    severity: Literal["error", "hint"] = "error"

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ProblemsError(UserError):
    """Carries every problem that was found, not the first alone."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SpecError(ProblemsError):
    """recommender.yaml is not valid by itself."""


class RegistryError(ProblemsError):
    """The spec names what the Feast registry does not hold, or holds in another form."""


class DataError(UserError):
    """A file or table cannot be read, or holds what it may not."""


class BundleError(UserError):
    """A bundle is missing, damaged, or contradicted by the live registry."""


class RequestError(UserError):
    """A request that no data could answer: a negative k, an unreadable query key."""


class StoreError(TfrsMtlError):
    """Feast, a database or a disk failed; the cause is chained."""


def listing(names: Iterable[str], *, most: int = 12) -> str:
    """Return names for a message: sorted, comma-separated, cut after ``most``."""
    ordered = sorted(names)
    if not ordered:
        return "none"
    shown = ", ".join(ordered[:most])
    return shown if len(ordered) <= most else f"{shown} and {len(ordered) - most} more"


def closest(name: str, valid: Sequence[str]) -> str | None:
    """Return the valid name that a misspelt one was meant to be, if one is near."""
    return next(iter(get_close_matches(name, valid, n=1, cutoff=0.6)), None)


def nearest(name: str, valid: Sequence[str]) -> str:
    """Return the tail of a message for a missed name: the nearest valid names, then all of them."""
    close = get_close_matches(name, valid, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(repr(c) for c in close)}? " if close else ""
    return f"{hint}valid: {listing(valid)}"
