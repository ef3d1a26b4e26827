from __future__ import annotations

import re

from stream_rcf.observe.metric_declarations import DECLARATIONS, SUPERVISOR_DECLARATIONS

EVERYTHING = (*DECLARATIONS, *SUPERVISOR_DECLARATIONS)

UNIT_SUFFIXES = {"seconds": "_seconds", "bytes": "_bytes", "info": "_info"}


def test_each_metric_is_declared_once_and_explains_itself():
    names = [declaration.name for declaration in EVERYTHING]
    assert len(set(names)) == len(names)
    for declaration in EVERYTHING:
        assert re.fullmatch(r"stream_rcf_[a-z_]+", declaration.name)
        assert declaration.help.endswith(".")
        assert declaration.hint.endswith(".")
        assert declaration.documentation == f"{declaration.help} {declaration.hint}"


def test_names_follow_kind_and_unit():
    for declaration in EVERYTHING:
        assert declaration.name.endswith("_total") == (declaration.kind == "counter")
        assert declaration.name.endswith(UNIT_SUFFIXES.get(declaration.unit, ""))


def test_buckets_belong_to_histograms_and_rise():
    for declaration in EVERYTHING:
        assert bool(declaration.buckets) == (declaration.kind == "histogram")
        assert list(declaration.buckets) == sorted(set(declaration.buckets))


def test_no_label_is_unbounded():
    allowed = {
        "topic",
        "partition",
        "error",
        "kind",
        "state",
        "version",
        "python",
        "fingerprint",
        "worker",
        "reason",
    }
    assert {label for declaration in EVERYTHING for label in declaration.labels} <= allowed
