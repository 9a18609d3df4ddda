"""What a native library prints about itself stays off the terminal; all else comes through."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tfrs_mtl.index.quiet import without_chatter


def test_chatter_is_left_out_and_the_rest_let_through(capfd: pytest.CaptureFixture[str]) -> None:
    with without_chatter():
        os.write(2, b"I0000 00:00:17955.1 16951 partitioner.cc:58] Size of sampled dataset\n")
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called\n")
        os.write(2, b"E0000 00:00:17955.1 16951 partitioner.cc:58] it went wrong\nanother word\n")
    os.write(2, b"afterwards\n")
    told = capfd.readouterr().err
    assert told == "E0000 00:00:17955.1 16951 partitioner.cc:58] it went wrong\nanother word\nafterwards\n"


def test_an_error_gives_standard_error_back(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"), without_chatter():
        (tmp_path / "absent").read_text()
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"
