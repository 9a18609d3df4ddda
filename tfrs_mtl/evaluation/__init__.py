"""How good the models are: metrics, baselines to beat, intervals, and the tables that show them."""

from tfrs_mtl.evaluation.baselines import own_history, popularity
from tfrs_mtl.evaluation.bootstrap import (
    Bootstrap,
    Interval,
    bootstrap_binary,
    bootstrap_regression,
    bootstrap_retrieval,
)
from tfrs_mtl.evaluation.item_sets import ItemSets
from tfrs_mtl.evaluation.ranking_metrics import (
    BinaryMetrics,
    RegressionMetrics,
    binary_metrics,
    regression_metrics,
)
from tfrs_mtl.evaluation.report import point_values, ranking_table, retrieval_table, with_intervals
from tfrs_mtl.evaluation.retrieval_metrics import RetrievalMetrics, retrieval_metrics
from tfrs_mtl.evaluation.top_k import masked_top_k

__all__ = [
    "BinaryMetrics",
    "Bootstrap",
    "Interval",
    "ItemSets",
    "RegressionMetrics",
    "RetrievalMetrics",
    "binary_metrics",
    "bootstrap_binary",
    "bootstrap_regression",
    "bootstrap_retrieval",
    "masked_top_k",
    "own_history",
    "point_values",
    "popularity",
    "ranking_table",
    "regression_metrics",
    "retrieval_metrics",
    "retrieval_table",
    "with_intervals",
]
