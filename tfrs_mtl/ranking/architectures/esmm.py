"""The entire space model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.ranking.architectures.networks import network_below
from tfrs_mtl.ranking.architectures.protocol import Architecture
from tfrs_mtl.ranking.entire_space import joint_losses, log_chances, logit_of
from tfrs_mtl.ranking.losses import TaskLoss, mean_loss, row_weights
from tfrs_mtl.ranking.order import chains


class EntireSpace(Architecture):
    """Chances under conditions are learnt from all rows, by their product (ESMM; Ma et al., SIGIR 2018).

        P(click, cart, buy) = p_click p_cart p_buy;  L_buy = mean over all rows of CE(it, all three came true)

    p_k [batch] is the chance of task k given its ``when``, of the network below: the answer as it is. A
    binary task with ``when`` is learnt from every row of which it is known whether the whole chain came true,
    by the product along the chain; other tasks as ever. The paper has a click and a purchase, and a network a
    task over shared embeddings; here the chain is as long as the declared one, and the network any.
    """

    def __init__(self, ranking: spec.Ranking, segments: Sequence[Segment] = ()) -> None:
        super().__init__(ranking)
        self.network = network_below(ranking, segments)
        binary = {task.name for task in ranking.tasks if task.kind == "binary"}
        self.chains = {
            name: chain for name, chain in chains(ranking.tasks).items() if name in binary and len(chain) > 1
        }

    def build(self, shape: Any) -> None:
        """Create the weights of the network."""
        super().build(shape)
        self.network.build(shape)

    def first(self, x: Any, training: Any = None) -> Any:
        """Return what the network's ``first`` does."""
        return self.network.first(x, training=training)

    def mixing(self, z: Any) -> Any | None:
        """Return what the network's ``mixing`` does."""
        return self.network.mixing(z)

    def rest(self, z: Any, training: Any = None) -> dict[str, Any]:
        """Return what the network's ``rest`` does."""
        return self.network.rest(z, training=training)

    def losses(
        self, x: Any, raw: Mapping[str, Any], batch: Mapping[str, Any], heads: Mapping[str, Any]
    ) -> dict[str, TaskLoss]:
        """Return the losses of products in place of those under a condition."""
        found = super().losses(x, raw, batch, heads)
        for name, chain in self.chains.items():
            losses = joint_losses(logit_of(log_chances(chain, raw)), chain, batch)
            found[name] = mean_loss(*losses, row_weights(name, batch))
        return found
