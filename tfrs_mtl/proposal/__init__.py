"""A recommender.yaml to start from, proposed for what a registry and its interactions hold."""

from tfrs_mtl.proposal.labels import LabelFacts
from tfrs_mtl.proposal.propose import Proposal, propose
from tfrs_mtl.proposal.roles import Roles, Wishes
from tfrs_mtl.proposal.text import to_text
from tfrs_mtl.proposal.write import write_text

__all__ = ["LabelFacts", "Proposal", "Roles", "Wishes", "propose", "to_text", "write_text"]
