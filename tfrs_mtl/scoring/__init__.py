"""From queries to ranked items. Batch, evaluation and serving share it."""

from tfrs_mtl.scoring.explain import Explained, explain
from tfrs_mtl.scoring.mix import standing_for
from tfrs_mtl.scoring.objective import as_shares, expected_value
from tfrs_mtl.scoring.queries import EncodedQueries, filled
from tfrs_mtl.scoring.ranked import Ranked
from tfrs_mtl.scoring.rows import merged
from tfrs_mtl.scoring.scorer import Scorer
from tfrs_mtl.scoring.snapshot import ItemSnapshot, read_snapshot, to_snapshot

__all__ = [
    "EncodedQueries",
    "Explained",
    "ItemSnapshot",
    "Ranked",
    "Scorer",
    "as_shares",
    "expected_value",
    "explain",
    "filled",
    "merged",
    "read_snapshot",
    "standing_for",
    "to_snapshot",
]
