import json

import pytest

from edge.errors import InputError
from edge.oci import landlock
from edge.oci.spec import ImageConfig, User, runtime_spec
from edge.oci.supervision import Supervised, service_conf
from edge.oci.tree import Entry, Tree, file, folder, link
from edge.strict.model import load_model
from edge.system.settings import Settings

IMAGE: dict[str, Entry] = {
    "usr/bin/app": file(b"app", mode=0o755),
    "usr/lib/ld.so": file(b"ld", mode=0o755),
    "bin": link("usr/bin"),
    "etc/app.conf": file(b"x"),
    "etc/init.d/app": file(b"x", mode=0o755),
    "opt/tool/run": file(b"x", mode=0o755),
    "opt/cache/old": file(b"x", mode=0o755),
    "srv": folder(),
    "var/run": link("/run"),
    "entry": file(b"x", mode=0o755),
}


def words(text: str, entries: dict[str, Entry] | None = None) -> tuple[str, ...]:
    settings = load_model(Settings, f"command: [/x]\n{text}", "test.yml")
    image = Tree()
    for path, entry in (IMAGE if entries is None else entries).items():
        image.add(path, entry)
    return landlock.words("web", settings, image)


def told(kind: str, text: str) -> list[str]:
    return [word.partition(":")[2] for word in words(text) if word.startswith(f"{kind}:")]


@pytest.mark.parametrize("text", ["", "landlock: {enabled: false, write: [/nowhere]}"])
def test_nothing_is_confined_unless_it_is_asked_for(text: str) -> None:
    assert words(text) == ()
    assert landlock.launched([], ["/x", "-v"], main=True) == ["/x", "-v"]


def test_what_is_not_written_follows_from_image_and_mounts() -> None:
    text = "landlock: {}\nbinds: ['/data/web:/srv', '/data/conf:/etc/web:ro']\ntmpfs: [/opt/cache]"

    assert told("read", text) == ["/"]
    assert told("write", text) == ["/dev/shm", "/opt/cache", "/srv", "/tmp"]
    # Not /opt, which holds what is mounted to be written, nor what the mount hides.
    assert told("execute", text) == ["/entry", "/etc/init.d", "/opt/tool", "/usr"]
    assert told("use", text) == ["/dev", "/proc"]
    assert not told("bind", text) + told("connect", text)


def test_nothing_that_is_mounted_can_be_run_by_default() -> None:
    entries = {"app/run": file(b"x", mode=0o755), "app/data": folder()}

    found = words("landlock: {}\nbinds: ['/data/x:/app/data']", entries)

    assert [word for word in found if word.startswith("execute:")] == ["execute:/app/run"]


def test_what_is_written_is_all_there_is() -> None:
    text = (
        "landlock: {read: [/etc], write: [/srv], execute: [/usr], tcp_bind: [], "
        "tcp_connect: [443, 80, 443]}\nbinds: ['/data/web:/srv']"
    )

    assert words(text) == (
        *("read:/etc", "execute:/usr", "write:/srv", "use:/dev"),
        *("bind", "connect", "connect:80", "connect:443"),
    )


def test_links_of_the_image_are_followed_at_the_build() -> None:
    text = (
        "tmpfs: ['/var/run/web']\nlandlock: {read: [/bin], write: [/var/run/web/sub, /run/web],"
        " execute: [/bin/app]}"
    )

    assert told("read", text) == ["/usr/bin"]
    assert told("write", text) == ["/run/web/sub", "/run/web"]
    assert told("execute", text) == ["/usr/bin/app"]
    assert "/run/web" in told("write", "tmpfs: ['/var/run/web']\nlandlock: {}")


def test_a_link_of_the_image_below_a_mount_is_not_followed() -> None:
    entries = {"srv/link": link("/etc"), "etc/key": file(b"x")}

    found = words("binds: ['/data/x:/srv']\nlandlock: {write: [/srv/link]}", entries)

    assert "write:/srv/link" in found


@pytest.mark.parametrize("path", ["/", "/etc", "/tmp", "/proc/self", "/srv/later", "/opt/cache/x"])
def test_paths_of_the_image_and_below_mounts_can_be_named(path: str) -> None:
    text = f"tmpfs: [/srv, /opt/cache]\nlandlock: {{read: [{path}]}}"

    assert told("read", text) == [path]


@pytest.mark.parametrize("key", ["read", "write", "execute"])
def test_a_path_that_is_nowhere_is_an_error_with_its_key(key: str) -> None:
    with pytest.raises(InputError, match=f"web: landlock: {key}: there is no /srv/nothing") as at:
        words(f"landlock: {{{key}: [/srv/nothing]}}")

    assert "binds:" in (at.value.hint or "")


def test_new_privileges_and_landlock_exclude_each_other() -> None:
    text = "command: [/x]\nnoNewPrivileges: false\nlandlock: {}"
    settings = load_model(Settings, text, "test.yml")

    with pytest.raises(InputError, match="web: landlock: not with noNewPrivileges: false"):
        runtime_spec("web", settings, ImageConfig(), User(7, 8), confined=["read:/"])


def test_a_root_that_can_be_written_is_written_by_default() -> None:
    assert told("write", "readonly: false\nlandlock: {}") == ["/"]


def test_the_launcher_runs_the_program_and_its_health_check() -> None:
    text = "command: [/x, 'a b']\nhealth: {command: [/check, 'c d']}\nlandlock: {}"
    settings = load_model(Settings, text, "test.yml")
    confined = ["read:/", "write:/a b"]

    spec = runtime_spec("web", settings, ImageConfig(), User(7, 8), confined=confined)
    conf = service_conf(Supervised("web", settings, User(7, 8), confined=tuple(confined))).decode()

    assert spec["process"]["args"] == [
        *("/.edge-confine", "read:/", "write:/a b", "no-sockets", "--", "/x", "a b"),
    ]
    (line,) = [line for line in conf.splitlines() if line.startswith("HEALTH_COMMAND=")]
    assert line.replace("'\\''", "'") == (
        "HEALTH_COMMAND='/.edge-confine read:/ 'write:/a b' -- /check 'c d''"
    )
    mount = next(one for one in spec["mounts"] if one["destination"] == "/.edge-confine")
    assert (mount["source"], "ro" in mount["options"]) == ("/usr/lib/edge/confine", True)
    assert "edge-confine" not in json.dumps(
        runtime_spec("web", load_model(Settings, "command: [/x]", "t"), ImageConfig(), User(7, 8))
    )
