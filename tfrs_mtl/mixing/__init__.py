"""One order for candidates of many sources: what is known of a pair, and the small network that weighs it."""

from tfrs_mtl.mixing.mixer import Mixer
from tfrs_mtl.mixing.own import OwnPast, own_past
from tfrs_mtl.mixing.similar import item_to_item
from tfrs_mtl.mixing.standing import Standing, standing_at

__all__ = ["Mixer", "OwnPast", "Standing", "item_to_item", "own_past", "standing_at"]
