"""Metrics of several processes as one text in Prometheus's format: each sample with the process it came from."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SAMPLE = re.compile(rb"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{?)")


def merged_expositions(texts: Mapping[str, bytes], label: str = "worker") -> bytes:
    """Return one text of all samples, each family once, in the order of its first appearance.

    ``texts`` are what ``prometheus_client`` prints, by the value that ``label`` is to have; these must need no
    escaping. The families' help and type are those of the first text that has them. Raises ``ValueError`` for a
    line that is no sample.
    """
    headings: dict[bytes, list[bytes]] = {}
    samples: dict[bytes, list[bytes]] = {}
    for value, text in texts.items():
        pair = f'{label}="{value}"'.encode()
        family = b""
        for line in text.split(b"\n"):  # not splitlines: a label may hold a carriage return
            if line.startswith(b"# "):
                family = line.split(b" ", 3)[2]
                heading = headings.setdefault(family, [])
                if line.split(b" ", 2)[1] not in {known.split(b" ", 2)[1] for known in heading}:
                    heading.append(line)
            elif line:
                samples.setdefault(family, []).append(_labelled(line, pair))
    return b"".join(
        line + b"\n" for family, heading in headings.items() for line in [*heading, *samples.get(family, [])]
    )


def _labelled(line: bytes, pair: bytes) -> bytes:
    """Put a label before the others of a sample."""
    match = _SAMPLE.match(line)
    if match is None:
        raise ValueError(f"not a sample: {line[:100]!r}")
    name, brace = match.groups()
    rest = line[match.end() :]
    return name + b"{" + pair + (b"," + rest if brace else b"}" + rest)
