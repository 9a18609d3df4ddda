"""How many threads a call of TensorFlow takes."""

from __future__ import annotations

from tfrs_mtl._tf import tf


def one_thread_a_call() -> None:
    """Let each operation run on one thread, where TensorFlow has not started yet and nobody chose a number.

    What one request asks for is small: to wake a second thread costs more than it saves, and other requests
    have a use for it.
    """
    threading = tf.config.threading
    if threading.get_intra_op_parallelism_threads() == 0:
        try:
            threading.set_intra_op_parallelism_threads(1)
        except RuntimeError:  # TensorFlow has started
            return
