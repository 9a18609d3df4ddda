"""Which arm of an experiment a query is in: the same one always, in every process."""

from __future__ import annotations

from hashlib import blake2b

from serving.answer import Key
from tfrs_mtl.spec import Experiment

_DIGEST = 8


def arm_of(experiment: Experiment, query: Key) -> str:
    """Return a query's arm, by a hash of the experiment's name and the query's key.

    Another name deals all queries anew. A share that grows takes queries from the arm after it alone.
    """
    digest = blake2b(
        f"{experiment.name}\0{query}".encode(errors="surrogatepass"), digest_size=_DIGEST
    ).digest()
    place, passed = int.from_bytes(digest, "big") / 2 ** (8 * _DIGEST), 0.0
    for name, arm in experiment.arms.items():
        passed += arm.share
        if place < passed:
            return name
    return name  # shares that sum up to a little less than one
