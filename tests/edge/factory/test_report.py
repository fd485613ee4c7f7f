"""The report counts what happened, each device once."""

import xml.etree.ElementTree as ElementTree

from edge.factory import chart, report
from edge.factory.simulated import Fault, SimulatedBoard
from tests.fakes.factory_line import Yard, line_of


def yard() -> Yard:
    found = Yard(line_of(), ports=("1",))
    found.run(
        [
            SimulatedBoard("A"),
            SimulatedBoard("B", (Fault("flash"),), plugs=1),
            SimulatedBoard("C", (Fault("flash"),)),
            SimulatedBoard("D", (Fault("verify"),)),
        ]
    )
    return found


def test_yield_and_first_pass_are_of_devices_and_not_of_runs() -> None:
    found = report.figures(yard().entries()).to_json()

    assert (found["devices"], found["good"], found["first_pass"], found["runs"]) == (4, 2, 1, 5)
    assert (found["yield_percent"], found["first_pass_percent"]) == (50.0, 25.0)
    assert found["stations"] == {"S1": 2}


def test_what_failed_most_comes_first() -> None:
    found = report.figures(yard().entries()).to_json()

    assert found["failures"] == [
        {"step": "flash", "reason": "flash: as foreseen", "count": 2},
        {"step": "verify", "reason": "verify: as foreseen", "count": 1},
    ]
    flash = next(one for one in found["steps"] if one["step"] == "flash")
    assert (flash["passed"], flash["failed"], flash["yield_percent"]) == (3, 2, 60.0)


def test_only_what_is_asked_for_is_counted() -> None:
    entries = yard().entries()

    later = report.figures(entries, since_ms=entries[-1].at_ms + 1)

    assert later.to_json()["yield_percent"] == 0.0
    assert report.figures(entries, station="S2").runs == 0


def test_each_run_that_ended_is_a_row() -> None:
    rows = list(report.rows(yard().entries()))

    assert [(one["device"], one["result"], one["step"]) for one in rows] == [
        ("gw-0001", "good", ""),
        ("gw-0002", "failed", "flash"),
        ("gw-0003", "failed", "flash"),
        ("gw-0004", "failed", "verify"),
        ("gw-0002", "good", ""),
    ]


def test_times_are_told_by_median_and_nine_of_ten() -> None:
    assert report.times([]) is None
    assert report.times([1000 * one for one in range(1, 11)]) == {
        "median": 5.5,
        "p90": 10.0,
        "most": 10.0,
    }


def test_the_chart_is_a_picture_whatever_the_names_are() -> None:
    figures = report.figures(yard().entries())
    figures.reasons["flash", 'a <b> & "c"'] = 9

    picture = chart.svg(figures, "line <1>")

    root = ElementTree.fromstring(picture)
    texts = [one.text for one in root.iter() if one.text and one.text.strip()]
    assert "line <1>" in texts
    assert any('a <b> & "c"' in text for text in texts)
    assert chart.svg(report.figures([]), "empty").startswith("<svg")
