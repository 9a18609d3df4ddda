"""From features to the answer: candidates ranked, ruled, arranged, shown, explained."""

from serving.answering.answers import recommendations
from serving.answering.arranging import arrange, rank
from serving.answering.pins import with_pins
from serving.answering.pipeline import answer, similar_to

__all__ = [
    "answer",
    "arrange",
    "rank",
    "recommendations",
    "similar_to",
    "with_pins",
]
