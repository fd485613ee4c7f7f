"""Releases that are taken back, and the files that nothing names then."""

import json
import os
import time
from pathlib import Path

from edge.keys.secrets import nobody
from edge.release import catalogue
from edge.release.signing import sign_here
from tests.agent.power.system import System
from tests.edge.console.test_console_commands import Run
from tests.edge.console.test_console_commands import edge as edge
from tests.fakes.console import Console
from tests.fakes.operator import Operator

DAY_S = 86400


def take_back(operator: Operator, version: str) -> None:
    entry = catalogue.find(operator.repository, version)
    paths = [entry.release.path]
    operator.repository.stage(operator.ring, "gateway", {}, paths, now=operator.now)
    sign_here(operator.repository, operator.ring, nobody)
    operator.repository.publish(operator.ring, now=operator.now)


def files(site: Console) -> dict[str, Path]:
    folder = site.site.tenants / "default" / "repository"
    return {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }


def make_old(site: Console) -> None:
    for path in files(site).values():
        os.utime(path, (time.time() - 2 * DAY_S,) * 2)


def two_releases(site: Console, operator: Operator) -> None:
    for version in ("1", "2"):
        operator.release(System.make(version, int(version)))
        site.good("POST", "/releases", operator.bundle(version))


def test_nothing_that_a_release_needs_is_left_over(site: Console, operator: Operator) -> None:
    two_releases(site, operator)
    make_old(site)
    before = set(files(site))

    gone = site.good("POST", "/repository/collect", {})["files"]

    # Metadata that newer metadata took the place of, and no root.
    names = [one["name"] for one in gone]
    assert all(name.startswith("metadata/") and "root" not in name for name in names), names
    assert set(files(site)) == before - set(names)
    assert site.good("POST", "/repository/collect", {})["files"] == []


def test_a_release_that_was_taken_back_is_gone_with_its_files(
    site: Console, operator: Operator, edge: Run
) -> None:
    two_releases(site, operator)
    site.good("POST", "/devices", {"device": "unit-1"})
    take_back(operator, "1")
    site.good("POST", "/releases", operator.bundle("2"))
    make_old(site)

    listed = [one["version"] for one in site.good("GET", "/releases")["releases"]]
    ordered = site.ask("POST", "/api/v1/deployments", {"device": "unit-1", "version": "1"})
    trial = json.loads(edge("releases", "collect", "--dry-run", "--json")[1])
    kept = set(files(site))
    status, said, _err = edge("releases", "collect")
    acts = [one["act"] for one in site.good("GET", "/audit")["entries"]]

    assert (listed, ordered.status) == (["2"], 404)
    names = {one["name"] for one in trial["files"]}
    assert names < kept
    assert any(name.startswith("targets/gateway/1/") for name in names)
    assert any(name.startswith("blobs/") for name in names)
    assert not any(name.startswith("targets/gateway/2/") for name in names)
    assert (status, set(files(site))) == (0, kept - names)
    assert "bytes removed" in said
    assert {"release.withdraw", "repository.collect"} <= set(acts)
    assert not (site.site.tenants / "default/repository/targets/gateway/1").exists()


def test_files_of_the_last_day_stay(site: Console, operator: Operator) -> None:
    two_releases(site, operator)
    take_back(operator, "1")
    site.good("POST", "/releases", operator.bundle("2"))

    assert site.good("POST", "/repository/collect", {})["files"] == []
