"""Running commands one after the other, with the time and peak memory of each."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class StepFailedError(Exception):
    """A command ended with another status than 0."""

    def __init__(self, name: str, status: int) -> None:
        super().__init__(f"step {name!r} failed with exit status {status}")
        self.status = status


@dataclass
class Steps:
    """The steps done so far: name -> ``seconds`` and ``peak_mib``.

    A child's peak is never below the memory of this process at its start: Linux counts it in. So stay small.

    Attributes:
        root: the directory in which the commands run.
    """

    root: Path
    done: dict[str, dict[str, float]] = field(default_factory=dict)

    def run(self, name: str, command: Sequence[str], *, only: str | None = None) -> None:
        """Run a command whose output is for people; ``only`` keeps the lines that begin so."""
        output = self._run(name, command, stdout=subprocess.PIPE if only else None)
        for line in output.decode().splitlines():
            if only and re.match(only, line):
                print(line, flush=True)

    def read(self, name: str, command: Sequence[str]) -> dict[str, Any]:
        """Run a command that has ``--json``, and return the object it prints; its progress is on stderr."""
        output = self._run(name, [*command, "--json"], stdout=subprocess.PIPE)
        content: dict[str, Any] = json.loads(output.splitlines()[-1])
        return content

    def _run(self, name: str, command: Sequence[str], *, stdout: int | None) -> bytes:
        print(f"\n[{len(self.done) + 1}] {name}\n$ {_shown(command)}", flush=True)
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=self.root, stdout=stdout, env=_environment())
        with child.stdout or nullcontext():
            output = child.stdout.read() if child.stdout else b""
        # wait4 alone tells the peak memory of this child, and not of the largest so far.
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds, peak = time.perf_counter() - began, usage.ru_maxrss / 1024
        self.done[name] = {"seconds": round(seconds, 1), "peak_mib": round(peak)}
        if child.returncode != 0:
            sys.stdout.buffer.write(output)
            raise StepFailedError(name, child.returncode if child.returncode > 0 else 128 - child.returncode)
        print(f"    {seconds:.1f} s, {peak:,.0f} MiB at most", flush=True)
        return output


def _shown(command: Sequence[str]) -> str:
    """Return a command as one would type it with the environment active."""
    beside = Path(sys.executable).parent
    names = [Path(word).name if Path(word).parent == beside else word for word in command]
    return shlex.join(names)


def _environment() -> dict[str, str]:
    """Return our environment; where no terminal tells its width, tables get room."""
    return {**({} if sys.stdout.isatty() else {"COLUMNS": "120"}), **os.environ}
