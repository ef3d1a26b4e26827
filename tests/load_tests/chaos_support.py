"""What the tests of the chaos runs share."""

from __future__ import annotations

from dataclasses import replace

from load_tests.chaos.extent import SHORT

# A stream that is scored in a moment.
TINY = replace(
    SHORT, events=3000, keys=20, partitions=4, bad_share=1 / 100, trees=10, sample_size=32, shingle_size=2
)
