from __future__ import annotations

import orjson

from tests.cli.support import run_command

SMALL = ("--set", "forest.trees=5", "--set", "forest.sample_size=16", "--set", "keys.memory_limit_mb=16")


def test_the_plan_is_printed_for_a_person() -> None:
    done = run_command("plan", "--keys", "20000", *SMALL)

    assert (done.returncode, done.stderr) == (0, b"")
    first, *lines = done.stdout.decode().splitlines()
    assert first.startswith("20,000 keys, each with 968 events or more, in one worker")
    assert [line.split()[0] for line in lines] == ["memory", "spill", "checkpoint", "speed"]
    assert "copies for checkpoints" in lines[0]
    assert "beyond keys.memory_limit_mb (16 MB a worker)" in lines[1]


def test_the_plan_is_printed_for_a_program() -> None:
    one, three = (
        orjson.loads(run_command("plan", "--keys", "10", "--features", width, "--json", *SMALL).stdout)
        for width in ("1", "3")
    )

    assert one["keys"] == one["resident_keys"] == 10
    assert one["spill_bytes"] == 0
    assert one["memory_bytes"] == one["process_bytes"] + one["copies_bytes"] + one["keys_bytes"]
    assert one["checkpoint_bytes"] == int(10 * one["saved_bytes_per_key"])
    assert three["saved_bytes_per_key"] > one["saved_bytes_per_key"]


def test_the_age_of_the_keys_can_be_given() -> None:
    done = run_command("plan", "--keys", "20", "--events-per-key", "30", *SMALL)

    assert done.stdout.decode().startswith("20 keys, each with 30 events, in one worker")


def test_numbers_that_make_no_sense_are_refused() -> None:
    for words, complaint in (
        (("--keys", "0"), "--keys is 0, but must be at least 1"),
        (("--keys", "5", "--features", "0"), "--features is 0, but must be at least 1"),
        (("--keys", "5", "--events-per-key", "0"), "--events-per-key is 0, but must be at least 1"),
        (("--keys", "many"), "invalid int value: 'many'"),
        ((), "the following arguments are required: --keys"),
    ):
        done = run_command("plan", *words)
        assert (done.returncode, done.stdout) == (2, b""), words
        assert complaint in done.stderr.decode()
