"""The names of the sources: a new one is one file, one line here and its quota in ``spec/serving.py``."""

from __future__ import annotations

from serving.sources.own import own
from serving.sources.popular import popular
from serving.sources.protocol import Source
from serving.sources.similar import similar
from serving.sources.towers import towers

SOURCES: dict[str, Source] = {
    "towers": towers,
    "own": own,
    "similar": similar,
    "popular": popular,
}
"""In this order they are asked, and an item that several name stands where the first named it."""
