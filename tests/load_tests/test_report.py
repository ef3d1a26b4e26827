from __future__ import annotations

from load_tests.breakdown import Breakdown
from load_tests.figures import Figure
from load_tests.report import Results, markdown, plain_data
from load_tests.workload import Workload


def results() -> Results:
    return Results(
        machine={"processor": "an abacus", "cores": "1"},
        workload=Workload(keys=10, young=1000, mature=500),
        service_young=Figure("service, young", (900.0, 1000.0, 1100.0)),
        service_mature=Figure("service, mature", (500.0, 510.0, 490.0)),
        quix=Figure("quix", (400.0, 410.0, 390.0)),
        bare=Figure("bare", (5000.0, 5100.0, 4900.0)),
        forest_young=Figure("forest, young", (1200.0, 1200.0, 1200.0)),
        forest_mature=Figure("forest, mature", (1000.0, 1000.0, 1000.0)),
        forest_scattered=Figure("forest, scattered", (800.0, 800.0, 800.0)),
        one_key=Figure("one key", (2000.0, 2000.0, 2000.0)),
        breakdown=Breakdown(500, {"score": 900.0, "decode": 100.0}, 1000.0, 800.0),
    )


def test_the_report_names_the_machine_every_figure_and_every_ratio() -> None:
    text = markdown(results())

    assert "* processor: an abacus" in text
    assert "| service, mature | 500 | 2000.0 | 490 | 510 | 4 % | 3 |" in text
    assert "| service, mature / bare | 0.100 | 0.100 | 0.100 |" in text
    assert "| service, mature / forest, mature | 0.500 | 0.490 | 0.510 |" in text
    assert "| score | 900.0 | 90 % |" in text
    assert "| the kernel, beside them | 800.0 | |" in text
    assert text.index("| score |") < text.index("| decode |"), "the largest step comes first"


def test_a_figure_that_scatters_is_marked() -> None:
    rows = [line for line in markdown(results()).splitlines() if "(noisy)" in line]

    assert [row.split(" |")[0] for row in rows] == ["| service, young"]


def test_the_data_hold_every_sample() -> None:
    data = plain_data(results())

    rates = data["events_per_second"]
    assert isinstance(rates, dict)
    assert rates["service, young"]["samples"] == [900.0, 1000.0, 1100.0]
    assert set(rates) == {figure.name for figure in results().figures}
    ratios = data["ratios"]
    assert isinstance(ratios, dict)
    assert ratios["forest, mature / one key"]["median"] == 0.5
