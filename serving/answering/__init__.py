"""From features to the answer: candidates ranked, ruled, arranged, shown, explained."""

from serving.answering.answers import recommendations
from serving.answering.arranging import arrange, rank
from serving.answering.neighbours import similar_to
from serving.answering.pins import with_pins
from serving.answering.pipeline import answer

__all__ = [
    "answer",
    "arrange",
    "rank",
    "recommendations",
    "similar_to",
    "with_pins",
]
