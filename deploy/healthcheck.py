"""Exit 0 when the service of this container answers /live, 1 with the reason when it does not."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

from stream_rcf.errors import StreamRcfError
from stream_rcf.settings.model import load_settings

ANSWER_SECONDS = 3.0  # below the container's own time-out, so that the reason is still printed
EVERY_INTERFACE = {"0.0.0.0", "::", ""}


def main() -> int:
    """Ask the endpoint that the environment's settings name."""
    try:
        http = load_settings(None).http
        host = "127.0.0.1" if http.host in EVERY_INTERFACE else http.host
        with urllib.request.urlopen(f"http://{host}:{http.port}/live", timeout=ANSWER_SECONDS) as answer:
            print(answer.read().decode())
    except (StreamRcfError, urllib.error.URLError, OSError) as error:
        print(f"not live: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
