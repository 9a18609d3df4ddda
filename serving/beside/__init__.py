"""Work beside the requests, for which none waits: the log, the shadow."""

from serving.beside.keeping import LogKeeper
from serving.beside.shadow import Shadow

__all__ = [
    "LogKeeper",
    "Shadow",
]
