from __future__ import annotations

import numpy as np

from load_tests.more_keys import Extent, markdown, measure_more_keys, plain_data


def test_all_keys_are_known_and_the_bound_holds_while_keys_come_back() -> None:
    """How fast that is, is the benchmark's business."""
    found = measure_more_keys(Extent(keys=3000, limit_mb=16, events=3000, phases=2))

    assert [phase.events for phase in found.phases] == [3000, 3000, 3000]
    assert {phase.known for phase in found.phases} == {3000}
    assert all(phase.memory_bytes <= 16 * 2**20 for phase in found.phases)
    assert all(0 < phase.resident < 3000 for phase in found.phases)
    assert found.phases[0].returned_share == 0.0
    assert min(phase.returned_share for phase in found.phases[1:]) > 0.0
    assert found.peer_keys > 0
    rows = markdown(found).splitlines()
    assert [row.split(" | ")[0] for row in rows if row.startswith("| ")][1:] == [
        "| each key once",
        "| 1",
        "| 2",
    ]
    rates = [phase.events_per_second for phase in found.phases]
    assert np.isfinite(rates).all()
    assert plain_data(found)["keys"] == 3000
