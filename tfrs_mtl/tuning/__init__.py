"""The search for better settings: keys of recommender.yaml, tried on the validation window."""

from tfrs_mtl.tuning.space import Choice, Range, Space, read_space, with_values
from tfrs_mtl.tuning.study import Trial, tune

__all__ = ["Choice", "Range", "Space", "Trial", "read_space", "tune", "with_values"]
