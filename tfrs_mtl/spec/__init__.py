"""recommender.yaml as frozen models, a file a section."""

from tfrs_mtl.spec._base import Duration, Section, duration_text
from tfrs_mtl.spec.architectures import Architecture, Mmoe, SharedBottom, Stem
from tfrs_mtl.spec.behaviour import (
    Ages,
    Behaviour,
    BehaviourView,
    Count,
    Distinct,
    Last,
    Mean,
    Measure,
    Popularity,
    Rate,
    Recency,
    Sum,
)
from tfrs_mtl.spec.inputs import Input, Kind
from tfrs_mtl.spec.load import load_spec, parse_spec
from tfrs_mtl.spec.ranking import Negatives, Ranking
from tfrs_mtl.spec.recommender import Batch, Interactions, Item, Query, Spec, Split
from tfrs_mtl.spec.retrieval import Retrieval, Training
from tfrs_mtl.spec.rules import Boost, Bury, Pin, Rule
from tfrs_mtl.spec.salvage import FILE_NAME, Salvage, salvage_spec
from tfrs_mtl.spec.serving import (
    Diversity,
    Experiment,
    ItemFilter,
    Serving,
    Sources,
    Span,
    span_text,
)
from tfrs_mtl.spec.tasks import Task, class_key

__all__ = [
    "Ages",
    "Architecture",
    "Batch",
    "Behaviour",
    "BehaviourView",
    "Boost",
    "Bury",
    "Count",
    "Distinct",
    "Diversity",
    "Duration",
    "Experiment",
    "FILE_NAME",
    "Input",
    "Interactions",
    "Item",
    "ItemFilter",
    "Kind",
    "Last",
    "Mean",
    "Measure",
    "Mmoe",
    "Negatives",
    "Pin",
    "Popularity",
    "Query",
    "Ranking",
    "Rate",
    "Recency",
    "Retrieval",
    "Rule",
    "Salvage",
    "Section",
    "Serving",
    "SharedBottom",
    "Sources",
    "Span",
    "Spec",
    "Split",
    "Stem",
    "Sum",
    "Task",
    "Training",
    "class_key",
    "duration_text",
    "load_spec",
    "parse_spec",
    "salvage_spec",
    "span_text",
]
