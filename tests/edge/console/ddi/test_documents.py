"""What devices are told, member by member, as real updaters look for it."""

from dataclasses import replace

import pytest

from edge.console.ddi import documents
from edge.console.ddi.documents import Action, Agenda, Consent, Place
from edge.console.ddi.machine import Event, State, following
from edge.console.foreign import File, Type
from edge.errors import RefusedError

PLACE = Place("https://fleet.example.com/default/controller/v1/unit-1", 300)
FILE = File("a.swu", Type.SWU, ("bench",), "ab" * 32, "cd" * 20, "ef" * 16, 123)
ACTION = Action(8, "8-abcd", State.RUNNING, "gateway/2/files", "gateway", "2", FILE)


def test_a_deployment_has_all_that_updaters_look_for() -> None:
    found = documents.deployment(PLACE, ACTION)

    assert found == {
        "id": "8",
        "deployment": {
            "download": "forced",
            "update": "forced",
            "chunks": [
                {
                    "part": "os",
                    "version": "2",
                    "name": "gateway",
                    "artifacts": [
                        {
                            "filename": "a.swu",
                            "size": 123,
                            "hashes": {"sha1": "cd" * 20, "md5": "ef" * 16, "sha256": "ab" * 32},
                            "_links": {
                                "download": {
                                    "href": f"{PLACE.url}/softwaremodules/8/artifacts/a.swu"
                                },
                                "md5sum": {
                                    "href": f"{PLACE.url}/softwaremodules/8/artifacts/a.swu.MD5SUM"
                                },
                            },
                        }
                    ],
                }
            ],
        },
    }


def test_links_without_tls_have_the_names_for_that() -> None:
    place = replace(PLACE, url="http://127.0.0.1/default/controller/v1/unit-1")

    assert set(documents.artifacts(place, ACTION)[0]["_links"]) == {"download-http", "md5sum-http"}


@pytest.mark.parametrize(
    ("download_only", "is_forced", "how"),
    [
        (False, True, ("forced", "forced")),
        (False, False, ("attempt", "attempt")),
        (True, True, ("forced", "skip")),
        (True, False, ("forced", "skip")),
    ],
)
def test_an_order_says_how(download_only: bool, is_forced: bool, how: tuple[str, str]) -> None:
    action = replace(ACTION, download_only=download_only, is_forced=is_forced)

    said = documents.deployment(PLACE, action)["deployment"]

    assert (said["download"], said["update"]) == how


@pytest.mark.parametrize("is_forced", [True, False])
def test_an_order_that_may_be_put_off_is_forced_once_its_time_is_over(is_forced: bool) -> None:
    action = replace(ACTION, is_forced=is_forced, until_s=100)

    def told(now_s: int) -> tuple[str, str]:
        place = replace(PLACE, now_s=now_s)
        link = documents.root(place, Agenda(action))["_links"]["deploymentBase"]["href"]
        return documents.deployment(place, action)["deployment"]["update"], link[-3:]

    assert told(99) == ("attempt", "c=1")
    assert told(100) == ("forced" if is_forced else "attempt", "c=2")


@pytest.mark.parametrize(
    ("state", "link"),
    [
        (State.RUNNING, "deploymentBase"),
        (State.CANCELLING, "cancelAction"),
        (State.WAITING, "confirmationBase"),
    ],
)
def test_the_root_leads_to_one_thing_to_do(state: State, link: str) -> None:
    agenda = Agenda(replace(ACTION, state=state), replace(ACTION, number=7), wants_data=True)

    found = documents.root(PLACE, agenda)

    assert found["config"] == {"polling": {"sleep": "00:05:00"}}
    assert list(found["_links"]) == [link, "installedBase", "configData"]
    assert found["_links"][link]["href"].startswith(f"{PLACE.url}/{link}/8")


def test_a_root_with_nothing_to_do_has_no_links() -> None:
    assert "_links" not in documents.root(PLACE, Agenda())


def test_both_ids_of_a_cancellation_are_the_order() -> None:
    assert documents.cancel(ACTION) == {"id": "8", "cancelAction": {"stopId": "8"}}


def test_a_consent_leads_to_its_opposite() -> None:
    off = documents.confirmation_base(PLACE, Consent(), ACTION)
    on = documents.confirmation_base(PLACE, Consent(7, "who", ""), None)

    assert off["autoConfirm"] == {"active": False}
    assert set(off["_links"]) == {"activateAutoConfirm", "confirmationBase"}
    assert on["autoConfirm"] == {"active": True, "initiator": "who", "activatedAt": 7000}
    assert set(on["_links"]) == {"deactivateAutoConfirm"}


@pytest.mark.parametrize(
    ("seconds", "text"), [(30, "00:00:30"), (300, "00:05:00"), (86399, "23:59:59")]
)
def test_a_duration_is_told_as_hours_minutes_seconds(seconds: int, text: str) -> None:
    assert documents.clock(seconds) == text


def test_of_several_orders_the_oldest_under_way_is_looked_at() -> None:
    ended = replace(ACTION, number=1, state=State.ENDED)
    taken_back = replace(ACTION, number=2, state=State.CANCELLING)

    assert documents.oldest([ACTION, taken_back, ended]) == taken_back
    assert documents.oldest([ended]) is None


def test_an_order_that_has_ended_stays_so() -> None:
    for event in Event:
        with pytest.raises(RefusedError):
            following(State.ENDED, event)
