"""What is asked, checked; what is read of who asks; which items may come."""

from serving.request.asking import limits_of, read_request
from serving.request.filters import allowed_among, allowed_by
from serving.request.limits import Limits, excluding
from serving.request.reading import Asked, Reader
from serving.request.request import Request, checked_context, checked_k, checked_keys
from serving.request.workers import Workers

__all__ = [
    "Asked",
    "Limits",
    "Reader",
    "Request",
    "Workers",
    "allowed_among",
    "allowed_by",
    "checked_context",
    "checked_k",
    "checked_keys",
    "excluding",
    "limits_of",
    "read_request",
]
