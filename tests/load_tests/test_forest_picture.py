from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest

from load_tests.forest import picture
from load_tests.forest.report import plain_data
from tests.load_tests.forest_results import forest_results

SVG = "{http://www.w3.org/2000/svg}"
MACHINE = {"processor": "an abacus", "numba": "0"}
COLOUR = re.compile(r"(fill|stroke): (#[0-9a-f]{6})")


def data() -> Any:
    """As it comes back from the file."""
    return orjson.loads(orjson.dumps({"machine": MACHINE, "forest": plain_data(forest_results())}))


def words(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_rows_ratios_curves_and_conditions_are_in_it() -> None:
    said = words(picture.draw(data()))

    assert {"50 x 256, 1, 8", "50 x 256, 4, 8", "5.0", "4.0", "8.0", "10.0", "target", "ours"} <= set(said)
    assert {"numbers in a record, shingle 1", "keys in turn, shingle 8", "10,000"} <= set(said)
    assert any("an abacus" in text and "other programs ran meanwhile" in text for text in said)


def test_an_undisturbed_run_is_not_excused() -> None:
    quiet = data()
    for row in quiet["forest"]["table"]:
        row["least_share_on_core"] = 1.0

    assert not any("meanwhile" in text for text in words(picture.draw(quiet)))


def test_every_colour_has_another_for_dark_screens() -> None:
    svg = picture.draw(data())
    style = next(ElementTree.fromstring(svg).iter(f"{SVG}style")).text
    used = {(kind, colour) for kind, colour in COLOUR.findall(svg.replace(style or "", ""))}

    assert len(used) > 6
    for kind, colour in used:
        assert f'[style*="{kind}: {colour}"]{{{kind}:#' in (style or ""), f"{kind} {colour}"
    lights, darks = {light for light, _ in picture.COLOURS}, {dark for _, dark in picture.COLOURS}
    assert len(lights) == len(darks) == len(picture.COLOURS)


@pytest.mark.parametrize("screen", [0, 1])
def test_text_and_bars_stand_out_from_the_paper(screen: int) -> None:
    """The contrast that the Web Content Accessibility Guidelines 2.1 ask of text (4.5) and of graphics (3)."""
    paper = picture.PAPER[screen]

    assert contrast(picture.INK[screen], paper) >= 4.5
    for colour in (picture.OURS, picture.AWS, picture.TARGET):
        assert contrast(colour[screen], paper) >= 3.0


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_same_figures_give_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "bench.json", tmp_path / "pictures" / "forest.svg"
    source.write_bytes(orjson.dumps(data()))
    monkeypatch.setattr("sys.argv", ["picture", str(source), str(target)])
    picture.main()

    assert target.read_text(encoding="utf-8") == picture.draw(data())
    assert picture.draw(data()) == picture.draw(data())
