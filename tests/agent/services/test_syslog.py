"""Logs to a syslog server: the settings that rsyslog gets, and what is refused."""

from pathlib import Path

import pytest

from tests.fakes.device_shell import DeviceShell

pytestmark = pytest.mark.tools

PROGRAM = "services/syslog/files/edge-syslog"


@pytest.fixture
def device(tmp_path: Path) -> DeviceShell:
    shell = DeviceShell(tmp_path / "root", variables={"MADE": str(tmp_path / "made")})
    shell.program("rsyslogd")
    return shell


def settings(device: DeviceShell, conf: str) -> str:
    """Run the service and return what rsyslogd was started with."""
    device.write("etc/edge/syslog.conf", conf)
    ended = device.run(PROGRAM)
    assert (ended.status, ended.out) == (0, "")
    assert device.calls() == [f"rsyslogd -n -iNONE -f {device.variables['MADE']}"]
    return Path(device.variables["MADE"]).read_text()


def test_all_sources_go_to_the_server_and_wait_while_it_is_away(device: DeviceShell) -> None:
    given = settings(device, "# ours\nSERVER=10.0.0.1:514\nPROTOCOL=tcp\n")

    assert given.count('target="10.0.0.1" port="514" protocol="tcp"') == 2
    assert given.count('queue.maxDiskSpace="8m"') == 2
    assert given.count('action.resumeRetryCount="-1"') == 2
    assert "StreamDriver" not in given
    assert f'File="{device.root}/run/edge/log/*/current"' in given


def test_with_tls_the_server_has_to_show_its_name(device: DeviceShell) -> None:
    device.write("etc/edge/syslog-ca.crt", "")

    given = settings(device, "SERVER=logs.example.com:6514\nPROTOCOL=tls")

    assert given.count('StreamDriverAuthMode="x509/name"') == 2
    assert given.count('StreamDriverPermittedPeers="logs.example.com"') == 2
    assert "DefaultNetstreamDriverCertFile" not in given


def test_the_certificate_of_the_device_is_shown_where_there_is_one(device: DeviceShell) -> None:
    device.write("etc/edge/syslog-ca.crt", "")
    device.write("etc/edge/syslog.crt", "")

    given = settings(device, "SERVER=[fd00::1]:6514\nPROTOCOL=tls\nNAME=logs.example.com\n")

    assert 'target="fd00::1" port="6514" protocol="tcp"' in given
    assert f'DefaultNetstreamDriverKeyFile="{device.root}/etc/edge/syslog.key"' in given
    assert 'PermittedPeers="logs.example.com"' in given


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        pytest.param("", "SERVER='': HOST:PORT", id="empty"),
        pytest.param("SERVER=x\nPROTOCOL=tcp", "SERVER='x': HOST:PORT", id="no port"),
        pytest.param('SERVER=x"):5\nPROTOCOL=tcp', "HOST:PORT", id="what would be settings"),
        pytest.param("SERVER=x:1\nPROTOCOL=relp", "'relp': tls, tcp or udp", id="protocol"),
        pytest.param("SERVER=x:1\nPROTOCOL=tls", "there is no", id="tls without a root"),
        pytest.param("SERVER=x:1\nPORT=1", "unknown: PORT=1", id="unknown key"),
        pytest.param("SERVER=x:1\nNAME=a b\nPROTOCOL=udp", "NAME='a b'", id="name"),
    ],
)
def test_settings_that_make_no_sense_are_refused(device: DeviceShell, conf: str, said: str) -> None:
    device.write("etc/edge/syslog.conf", f"{conf}\n")

    ended = device.run(PROGRAM)

    assert (ended.status, device.calls()) == (2, [])
    assert said in ended.out
