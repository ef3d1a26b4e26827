"""Running ``stream-rcf`` as a person does: its own process, with an environment that holds no settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("stream-rcf"))
SECONDS = 300  # before a command that hangs is ended; the first run of all compiles the kernels


def run_command(
    *arguments: str | Path,
    stdin: bytes = b"",
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in ``folder`` and return its output and exit code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STREAM_RCF_")}
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=folder,
        env={**kept, **(environment or {})},
        timeout=SECONDS,
        check=False,
    )
