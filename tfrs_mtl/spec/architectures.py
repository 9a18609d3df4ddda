"""The ``ranking.architecture`` section: what the tasks share, by name, each with sizes of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tfrs_mtl.spec._base import Identifier, Section, Width

_WHICH = "Which architecture."
_OVER = "What the tasks share below: a name, or a mapping of name and sizes."


class Single(Section):
    """A network a task, nothing shared but the embeddings."""

    name: Literal["single"] = Field("single", description=_WHICH)


class SharedBottom(Section):
    """One shared encoder, one tower a task (Caruana 1997)."""

    name: Literal["shared_bottom"] = Field("shared_bottom", description=_WHICH)


class Mmoe(Section):
    """Multi-gate mixture of experts (Ma et al., KDD 2018)."""

    name: Literal["mmoe"] = Field("mmoe", description=_WHICH)
    experts: int = Field(4, ge=2, le=64, description="How many experts the tasks share.")


class Cgc(Section):
    """Customised gate control: experts of each task beside shared ones (Tang et al., RecSys 2020)."""

    name: Literal["cgc"] = Field("cgc", description=_WHICH)
    experts: int = Field(2, ge=1, le=64, description="How many experts the tasks share.")
    own_experts: int = Field(1, ge=1, le=64, description="How many experts each task has for itself.")


class Ple(Section):
    """Progressive layered extraction: CGC upon CGC (Tang et al., RecSys 2020)."""

    name: Literal["ple"] = Field("ple", description=_WHICH)
    experts: int = Field(2, ge=1, le=64, description="How many experts the tasks share.")
    own_experts: int = Field(1, ge=1, le=64, description="How many experts each task has for itself.")
    levels: int = Field(2, ge=2, le=8, description="How many levels stand upon each other.")


class Stem(Section):
    """Shared and task-specific embeddings, with experts for each (Su et al., AAAI 2024)."""

    name: Literal["stem"] = Field("stem", description=_WHICH)
    experts: int = Field(2, ge=1, le=64, description="How many experts the tasks share.")
    own_experts: int = Field(1, ge=1, le=64, description="How many experts each task has for itself.")
    own_dim: int = Field(8, ge=1, le=256, description="Width of each task's own embeddings.")


def _from_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


NetworkName = Literal["single", "shared_bottom", "mmoe", "cgc", "ple", "stem"]
_Networks = Single | SharedBottom | Mmoe | Cgc | Ple | Stem
Network = Annotated[
    Annotated[_Networks, Field(discriminator="name")],
    BeforeValidator(_from_name, json_schema_input_type=NetworkName | _Networks),
]
"""An architecture in which no task's prediction depends on another's."""


class Dbmtl(Section):
    """What one task sees of a row goes on to the tasks that depend on it (Wang et al., 2019)."""

    name: Literal["dbmtl"] = Field("dbmtl", description=_WHICH)
    over: Network = Field(SharedBottom(), description=_OVER)
    parents: dict[Identifier, tuple[Identifier, ...]] = Field(
        default_factory=dict, description="Task -> the tasks that it depends on; absent: each on its `when`."
    )
    relation: tuple[Width, ...] = Field(
        (32,), min_length=1, description="Widths of the layers where a task meets those it depends on."
    )


class Aitm(Section):
    """Tasks in order, each attends to the one before it (Xi et al., KDD 2021)."""

    name: Literal["aitm"] = Field("aitm", description=_WHICH)
    over: Network = Field(Single(), description=_OVER)
    calibrator: float = Field(
        0.6, ge=0, description="Weight of what a task's chance exceeds that of the task before it by."
    )


class Esmm(Section):
    """Chances given a `when` are learnt from all rows, by their product (Ma et al., SIGIR 2018)."""

    name: Literal["esmm"] = Field("esmm", description=_WHICH)
    over: Network = Field(Single(), description=_OVER)


class Escm2(Section):
    """ESMM, and each row weighed by how seldom its like comes true (Wang et al., SIGIR 2022)."""

    name: Literal["escm2"] = Field("escm2", description=_WHICH)
    over: Network = Field(Single(), description=_OVER)
    method: Literal["ips", "dr"] = Field(
        "dr", description="Inverse propensity, or doubly robust: with imputed labels for the other rows."
    )
    floor: float = Field(0.1, gt=0, le=1, description="Chances below it count as so much in the weights.")
    joint: float = Field(1.0, ge=0, description="Weight of ESMM's loss beside the weighed one.")


ArchitectureName = Literal[NetworkName, "dbmtl", "aitm", "esmm", "escm2"]
_Architectures = _Networks | Dbmtl | Aitm | Esmm | Escm2
Architecture = Annotated[
    Annotated[_Architectures, Field(discriminator="name")],
    BeforeValidator(_from_name, json_schema_input_type=ArchitectureName | _Architectures),
]
"""An architecture by name, or a mapping of its name and sizes."""
