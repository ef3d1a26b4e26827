from __future__ import annotations

import orjson
import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.pipeline import alert_digest
from stream_rcf.pipeline.alert_digest import AlertDigest
from stream_rcf.pipeline.alert_storm import Alert, Digest, mark_of

KEYS, SPAN = 4, 60_000
SECOND = 1000
START = 1_767_225_600_000


def alert(key: str, timestamp: int) -> Alert:
    return Alert(mark_of(key), key, timestamp, 1.0, 0.5, mark_of(f"i{key}"), f"events:0:{timestamp}", "cpu")


class Listener:
    """Feeds a digest by the second, and keeps what it tells."""

    def __init__(self, keys: int = KEYS, follows_incidents: bool = False) -> None:
        self.digest = AlertDigest(keys, SPAN, follows_incidents=follows_incidents)
        self.told: list[tuple[int, Digest]] = []
        self.published: list[tuple[str, int]] = []
        self.held = 0

    def event(self, second: int) -> None:
        closed = self.digest.pass_event(START + second * SECOND)
        if closed is not None:
            self.told.append((second, closed))

    def alert(self, key: str, second: int, opens: bool = True) -> None:
        self.event(second)
        verdict = self.digest.take(alert(key, START + second * SECOND), opens_incident=opens)
        if verdict.opened is not None:
            self.told.append((second, verdict.opened))
        self.held += verdict.is_held
        if not verdict.is_held:
            self.published.append((key, second))

    def storm(self, second: int = 0, keys: int = KEYS) -> None:
        for number in range(keys):
            self.alert(f"host-{number}", second + number)

    def quiet(self, first: int, last: int) -> None:
        for second in range(first, last):
            self.event(second)

    @property
    def seconds(self) -> list[tuple[int, bool]]:
        return [(second, told.is_over) for second, told in self.told]


def test_alerts_of_few_keys_are_published_as_ever() -> None:
    one = Listener()
    for second in range(100):
        one.alert(f"host-{second % 3}", second)
    assert (one.told, one.held, len(one.published)) == ([], 0, 100)


def test_alerts_that_lie_far_apart_are_no_storm() -> None:
    one = Listener()
    for second in range(0, 2100, 21):
        one.alert(f"host-{second}", second)
    assert (one.told, one.held) == ([], 0), "four of them take 63 seconds"
    one.alert("a", 2081)
    assert one.seconds == [(2081, False)]


def test_one_message_when_many_go_at_once_and_one_when_it_is_over() -> None:
    one = Listener()
    one.storm()
    one.alert("host-0", 4)
    one.alert("other", 5)
    one.quiet(6, 200)
    assert one.published == [("host-0", 0), ("host-1", 1), ("host-2", 2)]
    # Of two of four keys, the alerts at 4 and 5 are the latest.
    assert one.seconds == [(3, False), (64, True)]
    opened, closed = (told for _, told in one.told)
    assert (opened.keys, opened.held, closed.keys, closed.held) == (4, 1, 5, 3)
    assert opened.digest_id == closed.digest_id == f"events:0:{START + 3 * SECOND}"
    assert (closed.first, closed.last) == (START, START + 5 * SECOND)
    one.alert("host-0", 201)
    assert one.published[-1] == ("host-0", 201)


def test_an_everyday_alert_now_and_then_does_not_keep_a_storm_going() -> None:
    one = Listener(keys=6)
    one.storm(keys=6)
    for second in range(10, 200):
        one.event(second)
        if second % 20 == 0:
            one.alert("flapping", second)
    assert one.seconds == [(5, False), (65, True)]
    assert len(one.published) == 5 + 6


def test_a_storm_that_goes_on_is_told_once() -> None:
    one = Listener()
    for second in range(5000):
        one.alert(f"host-{second % 50}", second)
    assert one.seconds == [(3, False)]
    assert len(one.published) == KEYS - 1


def test_a_new_storm_needs_new_alerts_of_as_many_keys() -> None:
    one = Listener()
    one.storm()
    one.quiet(4, 100)
    one.storm(100)
    assert one.seconds == [(3, False), (63, True), (103, False)]
    assert len(one.published) == 2 * (KEYS - 1)


def test_events_out_of_order_make_the_same_storm() -> None:
    one = Listener()
    for key, second in (("a", 100), ("b", 50), ("c", 75), ("late", 30)):
        one.alert(key, second)
    assert one.told == [], "a and late lie 70 seconds apart"
    one.alert("d", 60)
    assert one.seconds == [(60, False)]
    told = one.told[0][1]
    # Two ways lead to four keys, with a or with late; the earlier one counts.
    assert (told.keys, told.first, told.last) == (4, START + 30 * SECOND, START + 75 * SECOND)


def test_one_key_with_a_wrong_clock_hinders_no_storm_and_ends_none() -> None:
    one = Listener()
    year = 400 * 86_400
    for number in range(KEYS):
        one.alert("sick", year + number)
        one.alert(f"host-{number}", number)
    assert one.seconds == [(3, False)]
    for second in range(4, 100):
        one.event(year)
        one.alert(f"host-{second % 3}", second)
    assert one.seconds == [(3, False)], "the others go on alerting"
    one.event(-year)
    one.quiet(year + 1, year + 1 + KEYS)
    assert [is_over for _, is_over in one.seconds] == [False, True], "as many events as keys are believed"


def test_late_events_do_not_prolong_a_storm() -> None:
    one = Listener()
    one.storm(1000)
    for second in range(1004, 1080):
        one.event(second - 900)
        one.event(second)
    assert one.seconds == [(1003, False), (1063, True)]


def test_a_far_longer_key_is_another_key() -> None:
    one = Listener(keys=2)
    one.alert("k" * 5000 + "a", 0)
    one.alert("k" * 5000 + "b", 1)
    assert one.seconds == [(1, False)]


def test_ends_are_told_of_the_incidents_that_were() -> None:
    one = Listener(follows_incidents=True)
    one.storm()
    one.alert("host-0", 5, opens=False)
    one.alert("new", 5)
    ends = {key: one.digest.is_end_told(mark_of(f"i{key}")) for key in ("host-0", "host-3", "new")}
    assert ends == {"host-0": True, "host-3": False, "new": False}
    assert one.digest.is_end_told(mark_of("inew")), "asked once for each"


def test_an_incident_that_goes_on_after_the_storm_has_an_end() -> None:
    one = Listener(follows_incidents=True)
    one.storm()
    one.quiet(4, 100)
    one.alert("host-3", 101, opens=False)
    assert one.digest.is_end_told(mark_of("ihost-3"))


def test_without_ends_no_incident_is_kept_in_mind() -> None:
    one = Listener()
    one.storm()
    assert orjson.loads(one.digest.document())["untold"] == ""


def test_incidents_are_kept_in_mind_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_digest, "MOST_UNTOLD", 3)
    one = Listener(follows_incidents=True)
    one.storm(keys=8)
    assert [one.digest.is_end_told(mark_of(f"ihost-{n}")) for n in range(8)] == [True] * 5 + [False] * 3


def test_what_is_kept_in_mind_without_a_storm_is_bounded() -> None:
    one = Listener()
    for second in range(0, 100_000, 100):
        one.alert(f"host-{second}", second)
    assert len(orjson.loads(one.digest.document())["recent"]) == 2 * KEYS


def test_nothing_is_saved_of_nothing() -> None:
    one = Listener()
    one.quiet(0, 10)
    assert one.digest.document() == ""
    one.digest.restore("", "here")
    assert not one.digest.has_storm


@pytest.mark.parametrize("keys", [2, 3, KEYS, 10])
def test_a_storm_outlives_another_setting(keys: int) -> None:
    one, other = Listener(), Listener(keys)
    one.storm(keys=8)
    other.digest.restore(one.digest.document(), "here")
    assert other.digest.has_storm
    other.quiet(8, 300)
    assert [told.held for _, told in other.told] == [5]


DOCUMENT = orjson.loads(
    b'{"recent":[["00112233445566aa","a",1,1.0,0.5,"i","e:0:1","cpu"]],"storm":null,"untold":"00112233445566aa"}'
)
STORM = {
    "digest_id": "e:0:1",
    "clock": 5,
    "first": 1,
    "last": 5,
    "held": 2,
    "latest": [["00112233445566aa", 5]],
    "keys": "00112233445566aa",
    "has_more_keys": False,
    "strongest": DOCUMENT["recent"],
    "features": {"cpu": 3},
}


def test_a_well_formed_document_is_read() -> None:
    for document in (DOCUMENT, DOCUMENT | {"storm": STORM}):
        one = Listener(follows_incidents=True)
        one.digest.restore(orjson.dumps(document).decode(), "here")
        assert orjson.loads(one.digest.document()) == document


@pytest.mark.parametrize(
    "document",
    [
        b"{",
        b"[]",
        b"7",
        b"{}",
        orjson.dumps(DOCUMENT | {"recent": {}}),
        orjson.dumps(DOCUMENT | {"recent": [[1]]}),
        orjson.dumps(DOCUMENT | {"recent": [["m", "a", 1, 1, 0.5, "i", "e:0:1", "cpu"]]}),
        orjson.dumps(DOCUMENT | {"recent": [["m", "a", True, 1.0, 0.5, "i", "e:0:1", "cpu"]]}),
        orjson.dumps(DOCUMENT | {"untold": "0011"}),
        orjson.dumps(DOCUMENT | {"untold": None}),
        orjson.dumps(DOCUMENT | {"storm": []}),
        orjson.dumps(DOCUMENT | {"storm": {}}),
        *(orjson.dumps(DOCUMENT | {"storm": STORM | {name: None}}) for name in STORM),
        orjson.dumps(DOCUMENT | {"storm": STORM | {"held": -1}}),
        orjson.dumps(DOCUMENT | {"storm": STORM | {"strongest": []}}),
        orjson.dumps(DOCUMENT | {"storm": STORM | {"latest": [["a"]]}}),
    ],
)
def test_what_no_writer_wrote_is_refused(document: bytes) -> None:
    one = Listener(follows_incidents=True)
    with pytest.raises(CheckpointError, match="here is corrupt: what it says of alerts cannot be read"):
        one.digest.restore(document.decode(), "here")
    assert one.digest.document() == "", "nothing of it is believed"
