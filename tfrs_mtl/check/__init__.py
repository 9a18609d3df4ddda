"""Finding everything that is wrong at once: the contract, the registry, the files, the labels."""

from tfrs_mtl.check.labels import TaskFacts, WindowFacts
from tfrs_mtl.check.project import Findings, check_project

__all__ = ["Findings", "TaskFacts", "WindowFacts", "check_project"]
