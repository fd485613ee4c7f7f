"""A service folder as init makes it, on the host."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.oci.spec import User
from edge.oci.supervision import Supervised, service_conf
from edge.strict.model import load_model
from edge.system.settings import Settings
from tests.fakes.device_shell import DeviceShell

Service = Callable[..., Path]


@pytest.fixture
def shell(tmp_path: Path) -> DeviceShell:
    made = DeviceShell(tmp_path / "root")
    for folder in ("run/crun", "run/service", "run/edge/restarts", "run/edge/down", "dev/edge"):
        (made.root / folder).mkdir(parents=True)
    made.write("run/edge/slot", "a")
    made.program("crun")
    made.program("s6-svc")
    made.program("s6-svok")
    made.program("s6-svwait")
    made.program("s6-svstat", 'for folder; do :; done; cat "$folder/svstat"')
    made.installed("init/files/usr/lib/edge/make-folders", "usr/lib/edge/make-folders")
    made.program("awk")
    made.installed("init/files/usr/lib/edge/bundle", "usr/lib/edge/bundle")
    made.write("proc/mounts", "")
    return made


@pytest.fixture
def service(shell: DeviceShell) -> Service:
    """Make the folder of a service with these settings, as a build and init do."""

    def make(name: str = "web", svstat: str = "true\n", **settings: Any) -> Path:
        owner = User(shell.root.stat().st_uid, shell.root.stat().st_gid)
        conf = service_conf(
            Supervised(name, load_model(Settings, json.dumps(settings), "test.yml"), owner)
        )
        folder = shell.root / "run" / "service" / name
        (folder / "data").mkdir(parents=True)
        (folder / "conf").write_bytes(conf)
        (folder / "svstat").write_text(svstat)
        return folder

    return make
