"""Node metrics: where they are served, and what is refused."""

from pathlib import Path

import pytest

from tests.fakes.device_shell import DeviceShell

pytestmark = pytest.mark.tools

PROGRAM = "services/metrics/files/edge-metrics"


@pytest.fixture
def device(tmp_path: Path) -> DeviceShell:
    # `exec` takes programs only, never what is part of busybox.
    shell = DeviceShell(tmp_path / "root", functions='exec() { "$@"; exit; }')
    shell.functions += '\nnc() { echo "nc $*" >>"$CALLS"; }'
    shell.program("prometheus-node-exporter")
    return shell


@pytest.mark.parametrize("listen", ["127.0.0.1:9100", ":9100", "[::1]:9100", "0.0.0.0:80"])
def test_it_listens_where_it_is_told(device: DeviceShell, listen: str) -> None:
    device.write("etc/edge/metrics.conf", f"LISTEN={listen}\n")

    assert device.run(PROGRAM).status == 0
    (call,) = device.calls()
    assert f" --web.listen-address={listen} " in call
    assert "--collector.disable-defaults" in call
    assert "web.config" not in call


def test_its_own_file_for_passwords_is_used_where_there_is_one(device: DeviceShell) -> None:
    device.write("etc/edge/metrics.conf", "LISTEN=:9100\n")
    file = device.write("etc/edge/metrics.yml", "")

    device.run(PROGRAM)

    assert device.calls()[0].endswith(f" --web.config.file={file}")


@pytest.mark.parametrize("text", ["", "LISTEN=\n", "LISTEN=9100", "LISTEN=:", "LISTEN=x:9100 -v"])
def test_a_place_that_is_none_is_refused(device: DeviceShell, text: str) -> None:
    device.write("etc/edge/metrics.conf", text)

    ended = device.run(PROGRAM)

    assert (ended.status, device.calls()) == (2, [])
    assert ended.out.startswith("metrics.conf: LISTEN=")


@pytest.mark.parametrize(
    ("listen", "asked"),
    [(":9100", "127.0.0.1 9100"), ("[::1]:9100", "::1 9100"), ("10.0.0.1:80", "10.0.0.1 80")],
)
def test_its_health_is_whether_it_answers(device: DeviceShell, listen: str, asked: str) -> None:
    device.write("etc/edge/metrics.conf", f"LISTEN={listen}\n")

    assert device.run(PROGRAM, "check").status == 0
    assert device.calls() == [f"nc -w 2 {asked}"]
