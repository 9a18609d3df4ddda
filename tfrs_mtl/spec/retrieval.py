"""The ``retrieval`` section: the two-tower model and the training of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tfrs_mtl.spec._base import HistoryEncoder, Identifier, Section, Width


class Training(Section):
    """What both models' training shares."""

    epochs: int = Field(
        10, ge=1, description="At most so many; training stops early on the validation window."
    )
    batch_size: int = Field(1024, ge=1, description="Interactions a step.")
    learning_rate: float = Field(1e-3, gt=0, description="Step size of the optimiser.")
    final_rate: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Learning rate of the last step as a share of the first; it falls linearly in between.",
    )
    patience: int = Field(
        2, ge=1, description="Stop after so many epochs without a better validation metric."
    )
    sample: int | None = Field(
        None, ge=1, description="Train on at most so many interactions, drawn with the seed; absent: on all."
    )


class Retrieval(Section):
    """Two towers of one class; the score of a pair is the dot product of their outputs."""

    positives: Identifier | None = Field(
        None, description="The binary task whose positives are to be retrieved; default: the first one."
    )
    repeats: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of the repeats (an item that the query met before) to learn from. What it met is "
        "a candidate anyway: the fewer repeats, the more the towers learn of what is new to it.",
    )
    dim: int = Field(64, ge=1, le=4096, description="Width of both towers' outputs.")
    hidden: tuple[Width, ...] = Field((128,), description="Widths of the hidden layers of each tower.")
    history: HistoryEncoder = Field(
        "mean",
        description="Encoder of the query's history: two means, the strongest filter over three in a row, "
        "a recurrence, or attention of the last item.",
    )
    normalise: bool = Field(True, description="L2-normalise both outputs (the score is a cosine).")
    temperature: float = Field(0.1, gt=0, description="Divides the scores in the softmax.")
    logq: bool = Field(
        True, description="Correct the in-batch softmax by the candidates' sampling probability."
    )
    remove_accidental_hits: bool = Field(
        True, description="The row's own item, come again as another row's candidate, is no negative."
    )
    mask_positives: bool = Field(
        True, description="Other items of the row's own query in the batch are no negatives either."
    )
    item_dropout: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="Share of item ids hidden in training, so that new items work from attributes.",
    )
    dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of each tower's encoded inputs hidden in training; helps where data is little.",
    )
    mix: Literal["learnt", "none"] = Field(
        "none",
        description="`learnt`: towers, own history, what goes with it and the popular get one order, by a "
        "small network that the validation window teaches. `none`: the towers' first, then own history.",
    )
    index: Literal["exact", "scann"] = Field(
        "exact",
        description="How the nearest items are found: by comparing all, or by ScaNN, an approximation "
        "that pays from hundreds of thousands of items on (needs the extra `ann`).",
    )
    training: Training = Field(Training(), description="The training of the two-tower model.")
