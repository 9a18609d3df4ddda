"""What requests are answered from: loaded, refreshed, swapped, kept fresh."""

from serving.state.deployment import Deployment, deploy
from serving.state.masks import Mask, filter_masks
from serving.state.refresh import read_items, refreshed
from serving.state.rules import Rule, rules_that_hold
from serving.state.state import State, load_state
from serving.state.upkeep import Upkeep

__all__ = [
    "Deployment",
    "Mask",
    "Rule",
    "State",
    "Upkeep",
    "deploy",
    "filter_masks",
    "load_state",
    "read_items",
    "refreshed",
    "rules_that_hold",
]
