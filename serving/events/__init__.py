"""Events back into Feast."""

from serving.events.recorder import Recorder

__all__ = [
    "Recorder",
]
