"""How the C library hands out memory: a block that has grown gives its old memory back to the machine.

A key's block grows in some ten steps. By default glibc serves blocks of more than 128 kB from the machine, until the
first of them is freed; from then on from its own heap, where each step leaves a gap that the next one is too large for.
A limit that was set stands. What it costs: a large piece of memory is touched for the first time more often.
"""

from __future__ import annotations

import ctypes

MMAP_THRESHOLD = -3  # glibc's name for the limit, in malloc.h
LEAST_MAPPED_BYTES = 64 * 1024  # smaller blocks are of young keys: other young keys fill their gaps


def return_large_blocks() -> bool:
    """Let every large piece of memory be the machine's again when it is freed, for all of this process.

    Whether that is so now: another C library than glibc has no such limit, or its own rules, and is left alone.
    """
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # no C library to be found this way
        return False
    set_option = getattr(library, "mallopt", None)
    return set_option is not None and set_option(MMAP_THRESHOLD, LEAST_MAPPED_BYTES) == 1
