"""Several processes' metrics as one text."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stream_rcf.observe.exposition import merged_expositions
from stream_rcf.observe.metrics import Metrics

AWKWARD = 'quoted"\\\n\r}{ # HELP'


def exposition(events: int) -> bytes:
    metrics = Metrics("test", "0123456789abcdef")
    metrics.batch(events, events, 0, 0.01)
    metrics.lag(AWKWARD, 3, events)
    return metrics.exposition()


def test_every_sample_is_kept_and_says_whose_it_is() -> None:
    merged = merged_expositions({"0": exposition(10), "1": exposition(20)}).decode()
    families = {family.name: family for family in text_string_to_metric_families(merged)}
    alone = {family.name: family for family in text_string_to_metric_families(exposition(10).decode())}
    assert families.keys() == alone.keys()
    for name, family in families.items():
        assert (family.type, family.documentation) == (alone[name].type, alone[name].documentation)
        assert len(family.samples) == 2 * len(alone[name].samples)
        if family.samples:  # some have none before there is a partition
            assert {sample.labels["worker"] for sample in family.samples} == {"0", "1"}
    events = {sample.labels["worker"]: sample.value for sample in families["stream_rcf_events"].samples}
    assert events == {"0": 10.0, "1": 20.0}
    lag = families["stream_rcf_lag_events"].samples
    assert [sample.labels for sample in lag] == [
        {"worker": worker, "topic": AWKWARD, "partition": "3"} for worker in "01"
    ]


def test_prometheus_finds_nothing_to_complain_about() -> None:
    promtool = shutil.which("promtool")
    assert promtool is not None, (
        "promtool is missing; as root on Debian: apt-get install -y --no-install-recommends prometheus"
    )
    merged = merged_expositions({"0": exposition(10), "1": exposition(20)})
    check = subprocess.run(
        [promtool, "check", "metrics"], input=merged, capture_output=True, check=False, timeout=20
    )
    assert (check.returncode, check.stdout + check.stderr) == (0, b"")


def test_a_family_that_only_one_has_comes_once() -> None:
    texts = {
        "0": b"# HELP a A.\n# TYPE a gauge\na 1.0\n",
        "1": b'# HELP b B.\n# TYPE b gauge\nb{x="y"} 2.0\n',
    }
    assert merged_expositions(texts) == (
        b'# HELP a A.\n# TYPE a gauge\na{worker="0"} 1.0\n'
        b'# HELP b B.\n# TYPE b gauge\nb{worker="1",x="y"} 2.0\n'
    )
    assert merged_expositions({}) == b""


def test_what_is_no_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="not a sample: b'<html>'"):
        merged_expositions({"0": b"<html>"})
