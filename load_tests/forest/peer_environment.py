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
QUIX_LOCK = ROOT / "requirements-quix.lock"
QUIX_FOLDER = ROOT / ".cache" / "quix"


def peer_python(lock: Path = LOCK, folder: Path = FOLDER) -> Path:
    """The interpreter that has what ``lock`` names, in ``folder``.

    Raises ``MissingPartError`` with the installer's words when it cannot be made.
    """
    python, stamp = folder / "bin" / "python", folder / ".lock"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return python
    print(
        f"Making {folder.name} as {lock.name} says (once, about half a minute)", file=sys.stderr, flush=True
    )
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "-r", str(lock)])
    stamp.write_text(wanted, encoding="ascii")
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = f"{done.stdout}{done.stderr}".strip()
        raise MissingPartError(f"the benchmark's peers need this to work: {' '.join(command)}\n{said}")
