"""Writing a recommender.yaml, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from tfrs_mtl.errors import RequestError, StoreError


def write_text(file: Path, text: str, *, replace: bool) -> None:
    """Write a file by a temporary one and a rename.

    Raises:
        RequestError: it exists and is not to be replaced.
        StoreError: the disk failed; what was there is untouched.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        if replace:
            os.replace(partial, file)
        else:
            os.link(partial, file)  # unlike a rename, it never replaces
    except FileExistsError as error:
        raise RequestError(f"{file} exists; --force replaces it") from error
    except OSError as error:
        raise StoreError(f"{file} could not be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
