"""The first settings of a device: taken once, checked at every start, never in its way."""

import stat
from pathlib import Path

import pytest

from tests.agent.init.conftest import Service
from tests.fakes.device_shell import DeviceShell

pytestmark = pytest.mark.tools

SCRIPT = "init/files/usr/lib/edge/configure"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB+vNdXhYHDs1/ZEXAg3XX0ztY0R2xSn1zF4R1iHt0mP"
CA = "-----BEGIN CERTIFICATE-----\nMIIB\nAQ==\n-----END CERTIFICATE-----\n"
SETTINGS = {
    "hostname": "gateway-7\n",
    "timezone": "Europe/Berlin CET-1CEST,M3.5.0,M10.5.0/3\n",
    "network.conf": "eth0 static 192.168.7.2/24 gateway 192.168.7.1 dns 192.168.7.1\n* dhcp\n",
    "authorized_keys": f"{KEY} me@desk\n",
    "server.json": '{"http":"https://example.com/"}\n',
    "token": "abcdefghijklmnop\n",
    "server-ca.crt": CA,
}
IDENTITY = ("device.crt", "device.key", "server-ca.crt", "epoch")
SHOWN = "run/edge/config"
# Programs of busybox that a test without root cannot run, or that are watched.
WATCHED = """
chown() { echo "chown $*" >>"$CALLS"; }
sync() { :; }
cut() { [ -z "$CUT" ] || { steps=$((${steps:-0} + 1)); [ $steps != "$CUT" ] || exit 99; }; }
mv() { cut; busybox mv "$@" || return; cut; }
rmdir() { cut; busybox rmdir "$@"; }
"""


@pytest.fixture
def device(shell: DeviceShell, service: Service) -> DeviceShell:
    """A device that was never started, with an agent."""
    shell.functions = WATCHED
    shell.program("busybox", f'exec {shell.busybox} "$@"')
    (shell.root / "data").mkdir()
    shell.write("etc/edge/network.conf", "* dhcp\n")
    shell.write("proc/sys/kernel/hostname", "edge\n")
    shell.write("etc/edge/services/agent/conf", (service("agent") / "conf").read_text())
    return shell


def put(device: DeviceShell, **more: str) -> None:
    for name, text in {**SETTINGS, **more}.items():
        device.write(f"data/first-boot/{name}", text)


def put_identity(device: DeviceShell) -> None:
    for name in IDENTITY:
        device.write(f"data/first-boot/identity/{name}", f"{name}\n")


def start(device: DeviceShell) -> str:
    """Run the script as init does; return what it said."""
    device.write("dev/kmsg", "")
    ended = device.run(SCRIPT)
    assert (ended.status, ended.err) == (0, "")
    return device.read("dev/kmsg")


def content(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def shown(device: DeviceShell) -> dict[str, str]:
    return content(device.root / SHOWN)


IMAGE = {"network.conf": "* dhcp\n", "authorized.keys": ""}
GIVEN = {
    "hostname": SETTINGS["hostname"],
    "timezone": SETTINGS["timezone"],
    "tz": "CET-1CEST,M3.5.0,M10.5.0/3\n",
    "network.conf": SETTINGS["network.conf"],
    "authorized.keys": SETTINGS["authorized_keys"],
    **{f"agent/{name}": SETTINGS[name] for name in ("server.json", "token", "server-ca.crt")},
}


def test_without_first_settings_those_of_the_image_count(device: DeviceShell) -> None:
    said = start(device)

    assert (said, shown(device)) == ("", IMAGE)
    assert device.read("proc/sys/kernel/hostname") == "edge\n"


def test_first_settings_are_taken_once_and_count_at_every_start(device: DeviceShell) -> None:
    put(device)
    put_identity(device)

    first = start(device)
    after_first = (shown(device), content(device.root / "data"))
    again = start(device)

    assert after_first == (shown(device), content(device.root / "data"))
    assert shown(device) == GIVEN
    assert device.read("proc/sys/kernel/hostname") == "gateway-7\n"
    assert first.count("\n") == 1
    assert "the first settings are taken" in first
    assert again == ""
    assert not (device.root / "data/first-boot").exists()
    assert set(content(device.root / "data/agent/identity")) == set(IDENTITY)


def test_secrets_are_the_agents_alone(device: DeviceShell) -> None:
    put(device)
    put_identity(device)

    start(device)

    agent = f"{device.root.stat().st_uid}:{device.root.stat().st_gid}"
    calls = device.calls()
    assert f"chown {agent} {device.root}/{SHOWN}/agent/token" in calls
    assert f"chown -R {agent} {device.root}/data/first-boot/identity" in calls
    mode = stat.S_IMODE((device.root / SHOWN / "agent/token").stat().st_mode)
    kept = stat.S_IMODE((device.root / "data/config/token").stat().st_mode)
    folder = stat.S_IMODE((device.root / "data/agent/identity").stat().st_mode)
    assert (mode, kept, folder) == (0o400, 0o600, 0o700)


def test_the_keys_of_the_image_stay_beside_those_of_the_device(device: DeviceShell) -> None:
    device.write("etc/edge/authorized_keys", "ssh-ed25519 AAAA image")  # its last line has no end
    put(device)

    start(device)

    assert device.read(f"{SHOWN}/authorized.keys") == (
        f"ssh-ed25519 AAAA image\n{SETTINGS['authorized_keys']}"
    )


@pytest.mark.parametrize("step", range(1, 18))
def test_a_power_cut_at_any_step_is_made_good_at_the_next_start(
    device: DeviceShell, step: int
) -> None:
    put(device)
    put_identity(device)
    device.variables["CUT"] = str(step)
    assert device.run(SCRIPT).status == 99
    device.variables["CUT"] = ""

    start(device)

    assert shown(device) == GIVEN
    assert not (device.root / "data/first-boot").exists()
    assert not (device.root / "data/config/refused").exists()
    assert set(content(device.root / "data/agent/identity")) == set(IDENTITY)


def test_there_are_no_more_steps_than_were_cut(device: DeviceShell) -> None:
    put(device)
    put_identity(device)
    device.variables["CUT"] = "18"

    start(device)


WRONG = [
    pytest.param("hostname", "a b\n", id="a blank in the host name"),
    pytest.param("hostname", "one\ntwo\n", id="two host names"),
    pytest.param("hostname", "-x\n", id="a host name that looks like an option"),
    pytest.param("hostname", "gateway", id="no end of line"),
    pytest.param("hostname", "$(reboot)\n", id="a command as host name"),
    pytest.param("hostname", "gate\0way\n", id="a NUL"),
    pytest.param("hostname", "", id="an empty file"),
    pytest.param("hostname", "a" * 64 + "\n", id="a long host name"),
    pytest.param("timezone", "Europe/Berlin\n", id="a zone without its rules"),
    pytest.param("timezone", "x $(id)\n", id="a command as zone"),
    pytest.param("network.conf", "eth0 dhcp; reboot\n", id="a command in the network"),
    pytest.param("network.conf", "eth0 static\n", id="static without an address"),
    pytest.param("network.conf", "eth0 dhcp\n\n", id="an empty line"),
    pytest.param("network.conf", "eth0 dhcp\n" * 65, id="too many lines"),
    pytest.param("authorized_keys", f'command="id" {KEY}\n', id="options of a key"),
    pytest.param("authorized_keys", f"{KEY}\nssh-dss AAAA\n", id="a key of another kind"),
    pytest.param("server.json", "[]\n", id="no object"),
    pytest.param("server.json", "{}\r\n", id="a carriage return"),
    pytest.param("token", "short\n", id="a short token"),
    pytest.param("token", "abcdefghijklmnop\nX-Header: 1\n", id="a second line of a token"),
    pytest.param("server-ca.crt", "-----BEGIN PRIVATE KEY-----\n", id="no certificate"),
    pytest.param("surprise", "x\n", id="a file that nobody knows"),
    pytest.param(".hidden", "x\n", id="a hidden file"),
]


@pytest.mark.parametrize(("name", "text"), WRONG)
def test_a_wrong_file_is_told_and_left_aside_and_the_others_count(
    device: DeviceShell, name: str, text: str
) -> None:
    put(device, **{name: text})

    said = start(device)

    also = {"timezone": "tz", "authorized_keys": "authorized.keys"}
    less = (name, f"agent/{name}", also.get(name))
    expected = {key: value for key, value in GIVEN.items() if key not in less}
    assert shown(device) == {**IMAGE, **expected}
    assert f"{name} is not right: left aside" in said
    assert (device.root / "data/config/refused" / name).read_bytes() == text.encode()
    assert start(device) == ""


def test_a_file_that_went_bad_later_does_not_count(device: DeviceShell) -> None:
    put(device)
    start(device)
    device.write("data/config/network.conf", "eth0 \xff\n")

    said = start(device)

    assert "network.conf is not right: the image's counts" in said
    assert device.read(f"{SHOWN}/network.conf") == "* dhcp\n"


@pytest.mark.parametrize("name", ["hostname", "token", "network.conf"])
def test_a_link_is_never_followed(device: DeviceShell, name: str) -> None:
    secret = device.write("etc/secret", SETTINGS[name])
    put(device)
    (device.root / "data/first-boot" / name).unlink()
    (device.root / "data/first-boot" / name).symlink_to(secret)

    said = start(device)

    assert f"{name} is not right" in said
    assert name not in shown(device) or shown(device)[name] == IMAGE[name]
    assert f"agent/{name}" not in shown(device)


def test_a_second_identity_does_not_replace_the_first(device: DeviceShell) -> None:
    put_identity(device)
    start(device)
    put_identity(device)
    device.write("data/first-boot/identity/epoch", "another\n")

    said = start(device)

    assert "identity is not right: left aside" in said
    assert device.read("data/agent/identity/epoch") == "epoch\n"


def test_an_identity_that_is_not_whole_is_left_aside(device: DeviceShell) -> None:
    put_identity(device)
    (device.root / "data/first-boot/identity/device.key").unlink()

    said = start(device)

    assert "identity is not right: left aside" in said
    assert not (device.root / "data/agent/identity").exists()


def test_a_system_without_an_agent_takes_the_rest(device: DeviceShell) -> None:
    (device.root / "etc/edge/services/agent/conf").unlink()
    put(device)

    start(device)

    assert shown(device) == {
        name: text for name, text in GIVEN.items() if not name.startswith("agent/")
    }
