"""The one import of TensorFlow and TFRS: TFRS is Keras 2, which must be chosen before TensorFlow loads."""

from __future__ import annotations

import os
import sys

if "tensorflow" in sys.modules and os.environ.get("TF_USE_LEGACY_KERAS") != "1":
    raise ImportError(
        "tensorflow was imported before tfrs_mtl without TF_USE_LEGACY_KERAS=1, but TensorFlow Recommenders "
        "needs Keras 2: set TF_USE_LEGACY_KERAS=1 in the environment, or import tfrs_mtl's models first"
    )
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import tensorflow_recommenders as tfrs

__all__ = ["tf", "tfrs"]
