from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_rcf.errors import UsageError
from stream_rcf.state.manifest import PartitionId
from stream_rcf.state.names import folder_name, folder_of, name_of_folder, number_of_folder


@given(st.text(min_size=1, max_size=20))
def test_a_name_becomes_one_reversible_name_in_a_folder(name):
    encoded = folder_name(name)
    assert "/" not in encoded
    assert encoded not in (".", "..")
    assert "\0" not in encoded
    assert name_of_folder(encoded) == name


@pytest.mark.parametrize(
    ("name", "message"), [("", "has 0 characters"), ("ж" * 50, "300"), ("\udcff", "Unicode")]
)
def test_a_name_that_fits_no_folder_is_refused(name, message):
    with pytest.raises(UsageError, match=message):
        folder_name(name)


def test_a_partition_s_folder_holds_its_three_names():
    assert folder_of(PartitionId("a/b", "..", 11)) == "a%2Fb/%2E%2E/11"


@pytest.mark.parametrize("folder", ["lost+found", "a b", "%zz", "%ff", "..", "%2f", "", "x" * 256])
def test_a_folder_that_no_name_becomes_is_not_ours(folder):
    assert name_of_folder(folder) is None


@pytest.mark.parametrize(
    ("folder", "number"), [("0", 0), ("17", 17), ("007", None), ("-1", None), ("٣", None), ("", None)]
)
def test_a_partition_is_a_plain_number(folder, number):
    assert number_of_folder(folder) == number
