from __future__ import annotations

import io
import logging
import sys
import warnings

import orjson
import pytest

from stream_rcf.observe.logs import configure_logging

logger = logging.getLogger("stream_rcf.service.worker")


@pytest.fixture
def stream():
    """Where logs go during the test; the root logger is as before afterwards."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield io.StringIO()
    root.level, root.handlers[:] = before
    logging.captureWarnings(capture=False)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_a_log_line_is_one_json_object_with_its_context(stream):
    configure_logging("info", "json", stream)
    logger.info("loaded %d keys", 7, extra={"context": {"topic": "events", "partition": 3, "key": "höst\n1"}})
    assert stream.getvalue().count("\n") == 1
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "stream_rcf.service.worker",
        "message": "loaded 7 keys",
        "topic": "events",
        "partition": 3,
        "key": "höst\n1",
    }


def test_time_is_iso_utc_in_milliseconds(stream):
    configure_logging("info", "json", stream)
    record = logging.makeLogRecord({"msg": "x", "levelno": logging.INFO, "created": 1_767_225_600.0789})
    logging.getLogger().handle(record)
    assert lines(stream)[0]["time"] == "2026-01-01T00:00:00.078Z"


def test_an_exception_stays_in_its_line(stream):
    configure_logging("info", "json", stream)
    try:
        raise RuntimeError("first\nsecond\x1b[31m")
    except RuntimeError:
        logger.exception("failed")
    logger.info("with a stack", stack_info=True)
    failed, stack = lines(stream)
    assert failed["exception"].startswith("Traceback (most recent call last):\n")
    assert failed["exception"].endswith("RuntimeError: first\nsecond\x1b[31m")
    assert "test_an_exception_stays_in_its_line" in stack["exception"]
    assert "\x1b" not in stream.getvalue()


def test_context_never_hides_a_field_of_the_line(stream):
    configure_logging("info", "json", stream)
    logger.info("real", extra={"context": {"message": "forged", "level": "forged", 5: "five"}})
    (line,) = lines(stream)
    assert (line["message"], line["level"]) == ("real", "info")
    assert (line["context_message"], line["context_level"], line["5"]) == ("forged", "forged", "five")


def test_what_json_cannot_hold_is_written_as_text(stream):
    endless: dict[str, object] = {}
    endless["self"] = endless
    configure_logging("info", "json", stream)
    context = {
        "big": 2**70,
        "bytes": b"\xff",
        "lone": "\udcff",
        (1, 2): [{3}],
        "endless": endless,
        "nan": float("nan"),
    }
    logger.info("odd\x9b\u2028", extra={"context": context})
    (line,) = lines(stream)
    assert line["message"] == "odd\x9b\u2028"
    assert not set("\x9b\u2028") & set(stream.getvalue())
    assert line["big"] == str(2**70)
    assert (line["bytes"], line["lone"], line["(1, 2)"], line["nan"]) == (
        "b'\\xff'",
        "\\udcff",
        ["{3}"],
        None,
    )


@pytest.mark.parametrize(
    "value", ["\udcff", 2**70, float("nan"), object(), {1, 2}, b"\xff", [{"a": (1, None)}], {(1, 2): 3}]
)
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_nothing_that_is_logged_makes_logging_fail(stream, log_format, value, monkeypatch):
    configure_logging("info", log_format, stream)
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # where logging complains about its own failures
    logger.info("odd %s", value, extra={"context": {"value": value}})
    logger.info("odd context", extra={"context": value})
    assert sys.stderr.getvalue() == ""
    assert stream.getvalue().count("\n") == 2
    if log_format == "json":
        assert [line["message"][:3] for line in lines(stream)] == ["odd", "odd"]


def test_text_is_readable_and_one_line_a_record(stream):
    configure_logging("info", "text", stream)
    logger.warning("key %s", "a\nfake line\x1b[2J", extra={"context": {"partition": 3, "offset": 12}})
    (line,) = stream.getvalue().splitlines()
    assert line.endswith(
        "Z WARNING  stream_rcf.service.worker: key a\\nfake line\\x1b[2J [partition=3 offset=12]"
    )


def test_text_shows_a_traceback_below(stream):
    configure_logging("info", "text", stream)
    try:
        raise RuntimeError("evil\x1b[31m")
    except RuntimeError:
        logger.exception("failed")
    first, *traceback = stream.getvalue().splitlines()
    assert first.endswith("failed")
    assert traceback[0] == "Traceback (most recent call last):"
    assert traceback[-1] == "RuntimeError: evil\\x1b[31m"


def test_the_level_decides_and_a_second_call_replaces_the_first(stream):
    configure_logging("info", "json", io.StringIO())
    configure_logging("WARNING", "json", stream)
    logger.info("not shown")
    logger.warning("shown")
    assert [line["message"] for line in lines(stream)] == ["shown"]
    assert len(logging.getLogger().handlers) == 1


def test_warnings_of_libraries_become_log_lines(stream):
    configure_logging("info", "json", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("an old function", DeprecationWarning, stacklevel=1)
    assert "an old function" in lines(stream)[0]["message"]


def test_logs_go_to_standard_error_by_default(stream, capsys):
    configure_logging("info", "text")
    logger.info("hello")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hello" in captured.err


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_worker_of_several_says_which_it_is(stream, log_format):
    configure_logging("info", log_format, stream, worker=3)
    logger.info("x", extra={"context": {"topic": "events"}})
    (line,) = stream.getvalue().splitlines()
    if log_format == "json":
        assert orjson.loads(line)["worker"] == 3
    else:
        assert "INFO     worker 3 stream_rcf.service.worker: x [topic=events]" in line


def test_the_worker_in_a_context_is_another_than_ours(stream):
    configure_logging("info", "json", stream)
    logger.info("x", extra={"context": {"worker": 1}})
    configure_logging("info", "json", stream, worker=3)
    logger.info("x", extra={"context": {"worker": 1}})
    first, second = lines(stream)
    assert (first["worker"], second["worker"], second["context_worker"]) == (1, 3, 1)
