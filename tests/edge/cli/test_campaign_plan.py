"""The plan of a campaign as a file: read, written, and beside options."""

import json
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from edge.cli import campaign_options, campaign_plan, campaign_request, campaign_words
from edge.cli.campaign_options import Said
from edge.console.api.campaign_views import PlanBody
from edge.errors import InputError, ProblemsError
from edge.paths import PROJECT

CAREFUL = """
target: group:eu
canaries: [lab-1, lab-2]
waves:
  - {filter: "tag:pilot", success: 95, stop_at: 1, wait: 1h}
  - {devices: [shop-1, shop-2]}
  - {size: 50, sample: 20}
  - {size: 100%, stop_at: "3,5%"}
stop_at: 5%
evidence: 0.5%,2%,5%
on_trip: revert
at_once: 200
bandwidth: 20MB
soak: 10m
start_at: 2027-01-31T02:00+00:00
confirm_until: 2027-02-01T02:00+00:00
"""


def said(*words: str) -> Said:
    """Return what a command is given that was called with these words."""
    taken: list[Said] = []

    @click.command()
    @campaign_options.options
    def command(*, said: Said) -> None:
        taken.append(said)

    result = CliRunner().invoke(command, words, catch_exceptions=False, standalone_mode=False)
    assert not result.exception
    return taken[0]


@pytest.fixture
def careful(tmp_path: Path) -> str:
    file = tmp_path / "careful.yml"
    file.write_text(CAREFUL)
    return str(file)


def test_a_plan_says_what_options_say_and_more_of_each_wave(careful: str) -> None:
    body = said("--plan", careful, "--release", "1.2.0").body()

    assert PlanBody.model_validate(body).version == "1.2.0"
    assert (body["target"], body["on_trip"], body["pace"]["at_once"]) == ("group:eu", "revert", 200)
    assert body["pace"]["bytes_per_s"] == 20_000_000
    assert (body["times"]["soak_s"], body["times"]["silence_s"]) == (600, 900)
    assert body["start_at_s"] == 1_801_360_800
    lab, pilot, shops, some, all_ = body["waves"]
    assert (lab["devices"], lab["limit"]) == (["lab-1", "lab-2"], {"count": 1})
    assert (pilot["filter"], pilot["success_percent"], pilot["wait_s"]) == ("tag:pilot", 95, 3600)
    assert pilot["limit"] == {"percent": None, "count": 1}
    assert (shops["devices"], shops["limit"]) == (["shop-1", "shop-2"], {"count": 1})
    assert (some["count"], some["limit"]) == (50, {"percent": 5, "sample": 20})
    assert (all_["percent"], all_["limit"]) == (100, {"percent": 5, "sample": 10, "count": 3})


def test_options_go_ahead_of_the_plan(careful: str) -> None:
    words = (
        "--plan",
        careful,
        "--release",
        "2",
        "--waves",
        "10%,100%",
        "--soak",
        "90",
        "--canary",
        "x",
    )

    body = said(*words).body()

    assert body["times"]["soak_s"] == 90
    assert [one.get("percent") for one in body["waves"]] == [None, 10, 100]
    assert body["waves"][0]["devices"] == ["x"]
    assert body["waves"][1]["limit"] == {"percent": 5, "sample": 10}
    assert body["on_trip"] == "revert"


def test_a_campaign_without_a_release_is_refused(careful: str) -> None:
    with pytest.raises(InputError, match="no release is said"):
        said("--plan", careful).body()


@pytest.mark.parametrize(
    "words",
    [
        ("--waves", "1%,100%", "--wait", "1m"),
        ("--waves", "5,100%", "--stop-at", "3"),
        ("--release", "web+1.1.0", "--release", "mqtt+2.0"),
    ],
)
def test_a_plan_that_is_shown_says_the_same_again(
    careful: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    body = said("--plan", careful, "--release", "1.2.0", *words).body()
    body["waves"].insert(1, {"devices": ["x"], "limit": {"count": 2, "percent": None}})
    told = PlanBody.model_validate(body).model_dump()
    again = tmp_path / "again.yml"
    again.write_text(campaign_plan.text(told))

    read = PlanBody.model_validate(said("--plan", str(again)).body()).model_dump()

    assert read == told


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("wave: []", "unknown key 'wave'"),
        ("waves: [{size: 10%, filter: x}]", "one of size, filter and devices"),
        ("waves: [{success: 10}]", "one of size, filter and devices"),
        ("waves: [{size: 1%,}, {size: many}]", "'many' is neither a share nor a count"),
        ("waves: [{size: '1%,2%'}]", "neither a share nor a count"),
        ("stop_at: seldom", "'seldom' is neither a share nor a count"),
        ("evidence: 1%", "not three shares"),
        ("soak: soon", "'soon' is not a duration"),
        ("bandwidth: fast", "not a number of bytes"),
        ("start_at: soon", "not a time"),
        ("success: 101", "at most 100"),
        ("release: []", "release"),
        ("release: {version: 1.2.0}", "release: a mapping is not a list"),
        ("on_trip: panic", "'panic'"),
    ],
)
def test_a_mistake_is_told_with_its_place(line: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.yml"
    file.write_text(f"# a plan\n{line}\n")

    with pytest.raises(ProblemsError) as caught:
        campaign_plan.read(file)

    assert f"{file}:2:" in str(caught.value)
    assert problem in str(caught.value)


def test_only_what_is_said_changes_a_campaign(careful: str) -> None:
    plan = PlanBody.model_validate(said("--plan", careful, "--release", "2").body()).model_dump()
    change = said("--at-once", "500", "--stop-at", "7%", "--wait", "2h", "--bandwidth", "none")

    found = campaign_request.changed(plan, change.words, change.given)

    limit = {"percent": 7, "sample": 10}
    waves = [
        {**one, "wait_s": 7200, "limit": one["limit"] if one["devices"] else limit}
        for one in plan["waves"]
    ]
    pace = {**plan["pace"], "at_once": 500, "bytes_per_s": None}
    assert found == {**plan, "pace": pace, "waves": waves}


@pytest.mark.parametrize(
    ("text", "length_s"), [("90", 90), ("90s", 90), ("15m", 900), ("12h", 43_200), ("2d", 172_800)]
)
def test_durations_are_read_and_written(text: str, length_s: int) -> None:
    assert campaign_words.duration_s(text) == length_s
    assert campaign_words.duration_s(campaign_words.duration_text(length_s)) == length_s


def test_users_are_asked_until_a_time_or_for_a_while_from_now() -> None:
    release = ("--release", "1.2.0", "--confirm-until")

    whole = said(*release, "2027-01-31T02:00+00:00").body()
    before_s = int(time.time())
    later = said(*release, "3d").body()

    assert whole["confirm_until_s"] == 1_801_360_800
    assert 0 <= later["confirm_until_s"] - before_s - 3 * 86_400 < 10
    with pytest.raises(InputError, match="--confirm-until soon: neither a time nor a duration"):
        said(*release, "soon").body()


def test_a_duration_outside_its_bounds_is_told() -> None:
    with pytest.raises(click.BadParameter, match="'4s' is not 5s to"):
        said("--silence", "4s")


def test_the_plan_of_the_guide_can_be_read(tmp_path: Path) -> None:
    guide = (PROJECT / "docs/campaigns.md").read_text()
    file = tmp_path / "careful.yml"
    file.write_text(guide.partition("```yaml\n# careful.yml\n")[2].partition("```")[0])

    body = said("--plan", str(file), "--release", "1.2.0").body()

    assert len(PlanBody.model_validate(body).waves) == 4
    assert "waves" in json.dumps(campaign_plan.schema())
