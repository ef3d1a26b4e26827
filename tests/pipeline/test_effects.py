"""What messages amount to: by key, feature and direction, in their order, bounded, and read back the same."""

from __future__ import annotations

import orjson
import pytest

from stream_rcf.errors import CheckpointError
from stream_rcf.pipeline import effects as effects_module
from stream_rcf.pipeline.effects import Effects
from stream_rcf.pipeline.events import Event
from stream_rcf.pipeline.notices import (
    ABOVE,
    BELOW,
    About,
    Cancel,
    ForgetFeedback,
    Maintenance,
    Missed,
    NotAnAnomaly,
    Notice,
)

KEY = "host-1"
FEATURE = 1


def none(alert: str = "", deviation: float = 0.0, direction: int = ABOVE, key: str = KEY) -> NotAnAnomaly:
    return NotAnAnomaly(key, (About(FEATURE, direction, deviation),), alert)


def missed(alert: str = "", direction: int = ABOVE) -> Missed:
    return Missed(KEY, (About(FEATURE, direction),), alert)


def maintenance(
    name: str, begin: int = 1000, end: int = 2000, keys: tuple[str, ...] = ("host-*",)
) -> Maintenance:
    return Maintenance(name, keys, (0,), begin, end)


def after(*notices: Notice) -> Effects:
    return Effects(2).after(notices)[0]


def of_key(effects: Effects, direction: int = ABOVE) -> tuple[float, float] | None:
    """(sensitivity, tolerance) of the one feature that these tests are about."""
    found = effects.of_key(KEY)
    return (
        None
        if found is None
        else (float(found.sensitivity[FEATURE, direction]), float(found.tolerance[FEATURE, direction]))
    )


@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        ([none(deviation=8.0)], (1 / 4, 10.0)),
        ([none("a", 8.0), none("a", 8.0)], (1 / 4, 10.0)),
        ([none("a", 8.0), none("b", 4.0)], (1 / 16, 10.0)),
        ([none("a", 4.0), none("b", 8.0)], (1 / 16, 10.0)),
        ([none(), none()], (1 / 16, 0.0)),
        ([none()] * 9, (1 / 256, 0.0)),
        ([missed()], (4.0, 0.0)),
        ([missed()] * 9, (256.0, 0.0)),
        ([none(deviation=8.0), missed()], (1.0, 0.0)),
        ([missed(), none(deviation=8.0)], (1.0, 10.0)),
        ([none(deviation=8.0, direction=BELOW)], (1.0, 0.0)),
        ([none(deviation=8.0), missed(direction=BELOW)], (1 / 4, 10.0)),
        ([none(deviation=8.0), ForgetFeedback("host-2")], (1 / 4, 10.0)),
        ([none(deviation=8.0), ForgetFeedback(KEY), missed()], (4.0, 0.0)),
        ([none(deviation=8.0), ForgetFeedback(KEY)], None),
        ([none(key="host-2")], None),
    ],
)
def test_sensitivity_and_tolerance(notices: list[Notice], expected: tuple[float, float] | None) -> None:
    assert of_key(after(*notices)) == expected
    one_by_one = Effects(2)
    for notice in notices:
        one_by_one, _ = one_by_one.after([notice])
    assert one_by_one.document() == after(*notices).document(), "at once or one after the other is the same"


def test_another_feature_is_as_ever() -> None:
    found = after(none(deviation=8.0)).of_key(KEY)
    assert found is not None
    assert found.sensitivity[0].tolist() == [1.0, 1.0]
    assert found.tolerance[0].tolist() == [0.0, 0.0]


def test_effects_never_change_in_place() -> None:
    before = after(none())
    before.after([none(), maintenance("a"), ForgetFeedback(KEY)])
    assert of_key(before) == (1 / 4, 0.0)
    assert before.maintenances == ()


@pytest.mark.parametrize(
    ("notices", "names"),
    [
        ([maintenance("a")], ["maintenance a"]),
        ([maintenance("a"), maintenance("b", end=1400), maintenance("c", begin=1501)], ["maintenance a"]),
        ([maintenance("a"), Cancel("a")], []),
        ([maintenance("a"), Cancel("b")], ["maintenance a"]),
        ([maintenance("a"), maintenance("a", begin=3000, end=4000)], []),
        ([maintenance("a", keys=("db",))], []),
        ([maintenance("a"), none()], ["maintenance a", "feedback"]),
        ([missed()], []),
    ],
)
def test_what_is_named_as_the_reason(notices: list[Notice], names: list[str]) -> None:
    assert after(*notices).names_for(Event(KEY, 1500, (1.0, 2.0))) == names


def test_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects_module, "MOST_SIGNALS", 3)
    monkeypatch.setattr(effects_module, "MOST_MAINTENANCES", 2)
    told = [none(key=f"host-{i}") for i in (0, 1, 2, 0, 3)]
    works = [maintenance(name) for name in "abac"]
    effects, dropped = Effects(2).after([*told, *works])
    assert dropped == 2
    assert [effects.of_key(f"host-{i}") is not None for i in range(4)] == [True, False, True, True]
    assert [one.name for one in effects.maintenances] == ["a", "c"]
    assert effects.keys == 3


def test_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects_module, "MOST_BYTES", 3000)
    effects, dropped = Effects(2).after(none(key=f"{i:0500}") for i in range(20))
    assert dropped == 15
    assert len(orjson.dumps(effects.document())) < 3000


def test_a_document_is_read_back() -> None:
    effects = after(
        none("ab" * 8, 8.0), missed(direction=BELOW), maintenance("a"), maintenance("ü", keys=("ä*", "b"))
    )
    document = orjson.loads(orjson.dumps(effects.document()))
    again = Effects.from_document(2, document, "here")
    assert again.document() == effects.document()
    assert of_key(again) == of_key(effects)
    assert again.maintenances == effects.maintenances


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"signals": [], "maintenances": None},
        {"signals": [[KEY, 0, 0, 1, 0.0]], "maintenances": []},
        {"signals": [[5, 0, 0, 1, 0.0, ""]], "maintenances": []},
        {"signals": [[KEY, 2, 0, 1, 0.0, ""]], "maintenances": []},
        {"signals": [[KEY, 0, 2, 1, 0.0, ""]], "maintenances": []},
        {"signals": [[KEY, 0, 0, 5, 0.0, ""]], "maintenances": []},
        {"signals": [[KEY, 0, 0, True, 0.0, ""]], "maintenances": []},
        {"signals": [[KEY, 0, 0, 1, -1.0, ""]], "maintenances": []},
        {"signals": ["abc"], "maintenances": []},
        {"signals": [], "maintenances": [["a", "b", [0], 1, 2]]},
        {"signals": [], "maintenances": [["a", ["b"], [2], 1, 2]]},
        {"signals": [], "maintenances": [["a", ["b"], [0], 1, -2]]},
        {"signals": [], "maintenances": [[]]},
        {"signals": [], "maintenances": [5]},
    ],
)
def test_any_other_document_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="here is corrupt: its feedback"):
        Effects.from_document(2, document, "here")
