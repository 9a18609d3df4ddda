"""Keeping what a native library prints about its own progress off the terminal."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_CHATTER = re.compile(rb"^([IW]\d{4} \d\d|WARNING: All log messages before absl)")


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold standard error back for the time, and let through whatever is no information or warning of absl.

    ScaNN logs how it partitions, and no level silences it.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not _CHATTER.match(line):
                    os.write(2, line)
