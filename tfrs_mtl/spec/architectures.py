"""The ``ranking.architecture`` section: what the tasks share, by name, each with sizes of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tfrs_mtl.spec._base import Section

_WHICH = "Which architecture."


class SharedBottom(Section):
    """One shared encoder, one tower a task (Caruana 1997)."""

    name: Literal["shared_bottom"] = Field("shared_bottom", description=_WHICH)


class Mmoe(Section):
    """Multi-gate mixture of experts (Ma et al., KDD 2018)."""

    name: Literal["mmoe"] = Field("mmoe", description=_WHICH)
    experts: int = Field(4, ge=2, le=64, description="How many experts the tasks share.")


class Stem(Section):
    """Shared and task-specific embeddings, with experts for each (Su et al., AAAI 2024)."""

    name: Literal["stem"] = Field("stem", description=_WHICH)
    experts: int = Field(2, ge=1, le=64, description="How many experts the tasks share.")
    own_experts: int = Field(1, ge=1, le=64, description="How many experts each task has for itself.")
    own_dim: int = Field(8, ge=1, le=256, description="Width of each task's own embeddings.")


ArchitectureName = Literal["shared_bottom", "mmoe", "stem"]


def _from_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Architecture = Annotated[
    Annotated[SharedBottom | Mmoe | Stem, Field(discriminator="name")],
    BeforeValidator(_from_name, json_schema_input_type=ArchitectureName | SharedBottom | Mmoe | Stem),
]
"""An architecture by name, or a mapping of its name and sizes."""
