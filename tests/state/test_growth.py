"""A topic that gained partitions: refused with the way out, or begun anew where the settings say so."""

from __future__ import annotations

import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.state.growth import check_growth
from tests.state.support import PARTITION, manifest_at, memory_store, write_checkpoint

NEW = PARTITION._replace(partition=12)


@pytest.fixture
def store():
    return memory_store()


@pytest.mark.parametrize("known", [12, 0])
def test_the_same_number_of_partitions_or_an_unknown_one_is_no_trouble(store, known):
    assert check_growth(store, PARTITION, [manifest_at(5, topic_partitions=known)], 12, "fail") is None


def test_a_topic_of_which_nothing_is_known_is_no_trouble(store):
    assert check_growth(store, PARTITION, [], 12, "fail") is None


@pytest.mark.parametrize("now", [13, 11])
def test_another_number_is_refused_with_the_way_out(store, now):
    with pytest.raises(CheckpointError) as refusal:
        check_growth(store, PARTITION, [manifest_at(5, topic_partitions=12)], now, "fail")
    message = str(refusal.value)
    assert message.startswith(
        f"events[3] of group stream-rcf: the topic has {now} partitions, but had 12 when its models were saved"
    )
    assert "stream-rcf checkpoint repartition" in message
    assert "checkpoint.on_unusable=fresh" in message


def test_where_it_may_begin_anew_it_is_said(store):
    sentence = check_growth(store, PARTITION, [manifest_at(5, topic_partitions=12)], 13, "fresh")
    assert sentence is not None
    assert "had 12" in sentence
    assert "Keys that moved begin with empty models" in sentence


def test_the_newest_checkpoint_decides(store):
    newer, older = manifest_at(9, number=2, topic_partitions=13), manifest_at(5, topic_partitions=12)
    assert check_growth(store, PARTITION, [newer, older], 13, "fail") is None


def test_a_new_partition_is_known_by_its_siblings(store):
    """It has no checkpoint, and would otherwise begin from nothing with keys that others know."""
    write_checkpoint(store, {"a": b"1"}, topic_partitions=12)
    with pytest.raises(CheckpointError, match=r"events\[12\].*but had 12 when"):
        check_growth(store, NEW, [], 13, "fail")
    assert check_growth(store, NEW, [], 12, "fail") is None
    assert "begin with empty models" in (check_growth(store, NEW, [], 13, "fresh") or "")


def test_siblings_are_of_the_same_group_and_topic(store):
    for other in (PARTITION._replace(topic="other"), PARTITION._replace(group="other")):
        write_checkpoint(store, {"a": b"1"}, topic_partitions=5, partition=other)
    assert check_growth(store, NEW, [], 13, "fail") is None
