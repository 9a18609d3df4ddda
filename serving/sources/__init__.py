"""Where candidates come from: one protocol, its sources, and the names they go by."""

from serving.sources.gather import Candidates, all_in_turn, gather
from serving.sources.protocol import Source
from serving.sources.registry import SOURCES

__all__ = ["Candidates", "SOURCES", "Source", "all_in_turn", "gather"]
