"""The Python peers' own virtual environment, made when it is first needed: neither product nor tests install them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.machine import ROOT, MissingPartError

LOCK = ROOT / "requirements-bench.lock"
FOLDER = ROOT / ".cache" / "bench"


def peer_python() -> Path:
    """The interpreter that has what requirements-bench.lock names.

    Raises ``MissingPartError`` with the installer's words when it cannot be made.
    """
    python, stamp = FOLDER / "bin" / "python", FOLDER / ".lock"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return python
    print("Making .cache/bench for rrcf and river (once, about half a minute)", file=sys.stderr, flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(FOLDER)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "-r", str(LOCK)])
    stamp.write_text(wanted, encoding="ascii")
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = f"{done.stdout}{done.stderr}".strip()
        raise MissingPartError(f"the benchmark's peers need this to work: {' '.join(command)}\n{said}")
