"""The skew contract: what a request feeds the models is what training would have fed them."""

from serving.skew.compare import Difference, Example, compare
from serving.skew.replayed import replayed
from serving.skew.report import Report
from serving.skew.sampled import sampled

__all__ = ["Difference", "Example", "Report", "compare", "replayed", "sampled"]
