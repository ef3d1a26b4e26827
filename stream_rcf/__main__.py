"""``python -m stream_rcf``: the command line."""

from __future__ import annotations

import sys

from stream_rcf.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
