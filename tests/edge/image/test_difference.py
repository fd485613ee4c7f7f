"""What differs between two builds: rights first, then protections and sizes."""

from typing import Any

import pytest

from edge.cli.build_text import build_lines
from edge.image import difference
from edge.image.difference import RightsChange, SizeChange

NONE: dict[str, Any] = {
    "uid": 10_007, "net": "new", "capabilities": [], "joined": [], "devices": [], "writable": [],
    "seccomp": "default", "new_privileges": False, "writable_root": False,
}  # fmt: skip


def manifest(*privileges: dict[str, Any], on: tuple[str, ...] = (), **sizes: int) -> dict[str, Any]:
    hardening = [{"protection": one, "standing": "on"} for one in on]
    return {
        "privileges": list(privileges),
        "hardening": [*hardening, {"protection": "never", "standing": "off"}],
        "sizes": [{"part": name, "alone_bytes": size} for name, size in sizes.items()],
        "files": {"disk.img": {"bytes": 100}},
    }


def service(name: str, **rights: Any) -> dict[str, Any]:
    return NONE | {"name": name} | rights


def test_rights_that_a_service_gained_and_lost_are_named() -> None:
    before = manifest(service("web", capabilities=["CAP_NET_ADMIN"], writable=["/data/web"]))
    after = manifest(service("web", uid=0, net="host", writable=["/data/web", "/data"]))

    found = difference.between(before, after)

    assert found.rights == (
        RightsChange("web", ("runs as root", "network host", "writes /data"), ("NET_ADMIN",)),
    )
    assert found.is_weaker


def test_capabilities_outside_of_a_user_namespace_are_gained() -> None:
    inside = service("web", capabilities=["CAP_NET_ADMIN"], userns="new")
    outside = service("web", capabilities=["CAP_NET_ADMIN"], userns="host")

    found = difference.between(manifest(inside), manifest(outside))

    gained = ("NET_ADMIN", "no user namespace of its own")
    lost = ("NET_ADMIN in its user namespace",)
    assert found.rights == (RightsChange("web", gained, lost),)


def test_a_user_namespace_of_its_own_is_less() -> None:
    inside, outside = service("web", userns="new"), service("web")

    found = difference.between(manifest(outside), manifest(inside))

    assert found.rights == (RightsChange("web", (), ("no user namespace of its own",)),)
    assert not found.is_weaker


@pytest.mark.parametrize(
    ("before", "after", "gained", "lost"),
    [
        pytest.param([], ["tcp/80"], ("listens on tcp/80",), (), id="one more"),
        pytest.param(["tcp/80", "udp/53"], ["udp/53"], (), ("listens on tcp/80",), id="one less"),
        pytest.param(None, ["tcp/80"], (), (), id="a build that does not tell"),
        pytest.param(["tcp/80"], None, (), (), id="an older one that does"),
    ],
)
def test_ports_that_a_service_listens_on_are_rights(
    before: list[str] | None,
    after: list[str] | None,
    gained: tuple[str, ...],
    lost: tuple[str, ...],
) -> None:
    old, new = (
        service("web", **({} if ports is None else {"listens": ports})) for ports in (before, after)
    )

    found = difference.between(manifest(old), manifest(new))

    assert found.rights == ((RightsChange("web", gained, lost),) if gained or lost else ())
    assert found.is_weaker is bool(gained)


def test_a_service_that_came_gains_all_that_it_may_do() -> None:
    found = difference.between(
        manifest(),
        manifest(service("quiet"), service("loud", seccomp="unconfined", listens=["tcp/22"])),
    )

    assert found.rights == (RightsChange("loud", ("listens on tcp/22", "no seccomp"), ()),)


def test_less_rights_and_more_protection_are_not_weaker() -> None:
    before = manifest(service("web", uid=0), service("gone", new_privileges=True))
    found = difference.between(before, manifest(service("web"), on=("stacks",)))

    assert [one.lost for one in found.rights] == [
        ("runs as root", "may gain privileges")[1:],
        ("runs as root",),
    ]
    assert found.protections_gained == ("stacks",)
    assert not found.is_weaker


def test_a_protection_that_is_gone_is_weaker() -> None:
    found = difference.between(manifest(on=("stacks", "heap")), manifest(on=("heap",)))

    assert (found.protections_lost, found.is_weaker) == (("stacks",), True)


def test_a_build_that_does_not_tell_of_protections_has_lost_none() -> None:
    silent = manifest()
    del silent["hardening"]

    assert not difference.between(manifest(on=("stacks",)), silent).is_weaker


def test_sizes_that_grew_most_come_first_and_equal_ones_not_at_all() -> None:
    found = difference.between(
        manifest(web=100, log=50, init=7), manifest(web=40, log=60, init=7, agent=500)
    )

    assert found.parts == (
        SizeChange("agent", 0, 500),
        SizeChange("log", 50, 60),
        SizeChange("web", 100, 40),
    )
    assert found.files == ()


def test_lines_begin_with_what_may_do_more() -> None:
    before = manifest(service("web"), on=("stacks",), web=3 << 20)
    after = manifest(service("web", devices=["/dev/mem"]), web=1 << 20)

    lines = build_lines(difference.between(before, after))

    assert lines[0] == "protection of the kernel GONE: stacks"
    assert lines[2] == "web GAINS: device /dev/mem"
    assert lines[-2].split() == ["web", "3.0", "MiB", "1.0", "MiB", "-2.0", "MiB"]


def test_of_many_sizes_those_that_changed_most_are_shown() -> None:
    many = manifest()
    many["sizes"] = [
        {"part": f"part-{number:02}", "alone_bytes": 1000 + number} for number in range(1, 31)
    ]
    lines = build_lines(difference.between(manifest(), many))

    assert "and 18 more" in lines
    assert any(line.startswith("part-30") for line in lines)
    assert not any(line.startswith("part-01") for line in lines)


HELD = ["read:/etc", "write:/data", "use:/dev", "bind", "connect", "connect:443"]


@pytest.mark.parametrize(
    ("before", "after", "gained", "lost"),
    [
        pytest.param(HELD, HELD, (), (), id="the same"),
        pytest.param(HELD, [], ("what Landlock holds back",), (), id="let go"),
        pytest.param([], HELD, (), ("what Landlock holds back",), id="held at last"),
        pytest.param(HELD, [*HELD, "write:/x"], ("Landlock: write /x",), (), id="one path more"),
        pytest.param([*HELD, "connect:80"], HELD, (), ("Landlock: connect 80",), id="a port less"),
        pytest.param(
            HELD,
            ["read:/", "write:/data", "use:/dev", "connect", "connect:443"],
            ("Landlock: read /", "Landlock: any TCP bind"),
            ("Landlock: read /etc",),
            id="other paths, any port",
        ),
    ],
)
def test_what_landlock_holds_no_longer_is_gained(
    before: list[str], after: list[str], gained: tuple[str, ...], lost: tuple[str, ...]
) -> None:
    found = difference.between(
        manifest(service("web", landlock=before)), manifest(service("web", landlock=after))
    )

    assert found.rights == ((RightsChange("web", gained, lost),) if gained or lost else ())
    assert found.is_weaker is bool(gained)
