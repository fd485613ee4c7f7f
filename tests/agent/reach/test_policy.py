"""What the settings of an image let somebody ask."""

import json
from dataclasses import replace

import pytest

from edge_agent.reach.policy import USUAL, Policy
from edge_agent.settings import Settings
from edge_signing.errors import FormatError
from tests.agent.reach.bench import command


def read(**reach: object) -> Policy:
    return Settings.unpack(json.dumps({"reach": reach}).encode()).reach


def test_without_a_word_of_the_image_nothing_restarts_the_system() -> None:
    assert Settings.unpack(b"{}").reach == Policy() == read()
    assert set(Policy().words) == set(USUAL) == {"logs", "inventory", "restart"}


def test_each_word_can_be_turned_off_and_on() -> None:
    off = read(logs=False, inventory=False, restart=False)

    assert off.words == frozenset()
    assert read(reboot=True).words == USUAL | {"reboot"}


def test_a_list_names_the_services_that_may_be_restarted() -> None:
    policy = read(restart=["worker"], without_logs=["vault"])

    assert policy.refusal(command("a", "restart"))
    assert not policy.refusal(command("a", "logs"))
    assert policy.refusal(replace(command("a"), service="vault"))


@pytest.mark.parametrize(
    "reach",
    [
        pytest.param({"shell": True}, id="another word"),
        pytest.param({"logs": "yes"}, id="no boolean"),
        pytest.param({"logs": 1}, id="a number"),
        pytest.param({"logs": ["web"]}, id="a list for logs"),
        pytest.param({"restart": ["../x"]}, id="a path"),
        pytest.param({"restart": [1]}, id="a number for a service"),
        pytest.param({"without_logs": "vault"}, id="no list"),
    ],
)
def test_what_is_not_known_is_an_error(reach: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        read(**reach)
