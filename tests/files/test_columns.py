from __future__ import annotations

import pytest

from stream_rcf.errors import UsageError
from stream_rcf.files.columns import (
    Columns,
    Fields,
    Wanted,
    choose_columns,
    mostly,
    require_columns,
    require_times,
)
from stream_rcf.pipeline.decode import EventSchema


def fields(*numeric: str, text: tuple[str, ...] = ()) -> Fields:
    columns = {**dict.fromkeys(numeric, True), **dict.fromkeys(text, False)}
    return Fields("data.csv", columns, columns.__contains__)


def test_by_default_every_number_but_key_timestamp_and_label_is_watched() -> None:
    chosen = choose_columns(Wanted(), fields("timestamp", "b", "key", "a", "label", text=("note",)))
    assert chosen == Columns(("key",), "timestamp", ("b", "a"))


def test_a_file_without_key_and_timestamp_is_one_series_without_time() -> None:
    assert choose_columns(Wanted(), fields("a")) == Columns((), None, ("a",))


def test_what_is_asked_for_is_taken() -> None:
    wanted = Wanted(("host", "disk"), "at", ("key",))
    assert choose_columns(wanted, fields("key", "at", text=("host", "disk"))) == Columns(
        ("host", "disk"), "at", ("key",)
    )


def test_columns_in_use_are_not_watched_too() -> None:
    assert choose_columns(Wanted(("id",), "at"), fields("id", "at", "a")) == Columns(("id",), "at", ("a",))


def test_the_column_of_ids_is_read_and_not_watched() -> None:
    assert choose_columns(Wanted(identity="n"), fields("n", "a")) == Columns((), None, ("a",), "n")
    with pytest.raises(UsageError, match="no column n"):
        choose_columns(Wanted(identity="n"), fields("a"))


def test_of_aggregates_the_columns_are_read_that_they_are_of() -> None:
    wanted = Wanted(features=("count", "mean(b)", "p99(a)"), is_windowed=True)
    chosen = choose_columns(wanted, fields("a", "b", "at"))
    assert chosen.features == ("count", "mean(b)", "p99(a)")
    assert chosen.paths == chosen.schema(9).feature_paths == ("a", "b")
    assert chosen.schema(9).counts_events
    assert (
        not choose_columns(Wanted(features=("max(a)",), is_windowed=True), fields("a"))
        .schema(9)
        .counts_events
    )
    with pytest.raises(UsageError, match="no column b"):
        choose_columns(wanted, fields("a"))
    with pytest.raises(UsageError, match=r"data\.csv: windows are of event time"):
        require_times(chosen, "data.csv")
    require_times(choose_columns(Wanted(timestamp="at"), fields("a", "at")), "data.csv")


def test_missing_columns_are_named_with_those_that_are_there() -> None:
    with pytest.raises(UsageError, match=r"^data.csv: no column host, x; it has a, note$"):
        choose_columns(Wanted(("host",), None, ("x", "a")), fields("a", text=("note",)))
    with pytest.raises(UsageError, match="no column at"):
        require_columns(Columns((), "at", ("a",)), fields("a"))


def test_a_file_without_numbers_needs_to_be_told() -> None:
    with pytest.raises(
        UsageError, match=r"^data.csv: no numeric column to watch among label, note; .*--features"
    ):
        choose_columns(Wanted(), fields("label", text=("note",)))


def test_columns_become_the_decoders_schema() -> None:
    assert Columns((), None, ("a",)).schema(9) == EventSchema((), "", ("a",), 9)
    assert Columns(("k", "l"), "t", ("a",)).schema(9) == EventSchema(("k", "l"), "t", ("a",), 9)
    assert Columns((), None, ("a",), "n").schema(9).id_path == "n"


def test_the_choice_is_told_to_the_person() -> None:
    assert str(Columns((), None, ("a", "b"))) == "one series, no timestamp, features a, b"
    assert str(Columns(("k", "l"), "t", ("a",))) == "key k + l, timestamp t, features a"


def test_a_few_bad_cells_do_not_make_a_column_text() -> None:
    assert mostly([True, True, False])
    assert not mostly([True, False])
    assert not mostly([])
