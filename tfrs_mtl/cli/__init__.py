"""The command line, in the manner of `feast`: a file a command, loaded when it is called."""

from __future__ import annotations

from tfrs_mtl.cli.main import main

__all__ = ["main"]
