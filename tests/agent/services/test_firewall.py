"""The firewall: which rules it puts in force, from whose file."""

from pathlib import Path

import pytest

from tests.fakes.device_shell import AGENT, DeviceShell

pytestmark = pytest.mark.tools

PROGRAM = "services/firewall/files/edge-firewall"
OWN = AGENT / "services/firewall/files/nftables.conf"


@pytest.fixture
def device(tmp_path: Path) -> DeviceShell:
    shell = DeviceShell(tmp_path / "root")
    shell.program("nft", 'cp "$2" "$CALLS-rules"')
    shell.write("etc/edge/nftables.conf", OWN.read_text())
    shell.write("etc/edge/ports", "")
    return shell


def rules(device: DeviceShell) -> list[str]:
    """Run the item and return what nft was given."""
    assert device.run(PROGRAM).status == 0
    return device.read("calls-rules").splitlines()


def test_all_is_one_transaction_that_begins_with_nothing(device: DeviceShell) -> None:
    given = rules(device)

    assert given[0] == "flush ruleset"
    assert "\n".join(given[1:]) + "\n" == OWN.read_text()
    assert len(device.calls()) == 1


def test_ports_of_services_are_let_in(device: DeviceShell) -> None:
    device.write("etc/edge/ports", "tcp 22\nudp 51820\n")

    assert rules(device)[-2:] == [
        "add rule inet edge listens tcp dport 22 accept",
        "add rule inet edge listens udp dport 51820 accept",
    ]


def test_rules_without_the_chain_of_that_table_get_no_ports(device: DeviceShell) -> None:
    own = ["table inet mine {", " chain listens {", " }", "}"]
    device.write("etc/edge/nftables.conf", "\n".join(own) + "\n")
    device.write("etc/edge/ports", "tcp 22\n")

    assert rules(device) == ["flush ruleset", *own]


def test_rules_that_are_refused_fail_the_item(device: DeviceShell) -> None:
    device.program("nft", "exit 1")

    assert device.run(PROGRAM).status == 1


def test_what_nobody_asked_for_is_dropped_by_its_own_rules() -> None:
    text = OWN.read_text()

    assert "hook input priority filter; policy drop;" in text
    assert "hook forward priority filter; policy drop;" in text
