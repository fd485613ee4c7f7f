"""Reading the host's apt sources."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.debian.mirror import DEBIAN_KEYRING, Mirror, host_mirror, mirror
from edge.errors import InputError

MAIN = "http://deb.example.org/debian"
SECURITY = "http://deb.example.org/debian-security"
DEB822 = f"""\
Types: deb
# a comment inside
URIs: {MAIN}/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: {SECURITY}
Suites: bookworm-security
Components: main
"""
ONE_LINE = f"""\
# deb cdrom:[Debian GNU/Linux 12]/ bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/our.gpg] {MAIN} bookworm main non-free-firmware
deb-src {MAIN} bookworm main
deb {MAIN} bookworm-updates main # inline
deb {SECURITY} bookworm-security main
"""
VENDOR = "deb http://archive.example.com/debian bookworm main\n"


def sources(folder: Path, **files: str) -> Path:
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        place = folder if stem == "sources" and suffix == "list" else folder / "sources.list.d"
        (place / f"{stem}.{suffix}").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"debian_sources": DEB822}, Mirror(MAIN, SECURITY, DEBIAN_KEYRING), id="deb822"
        ),
        pytest.param(
            {"sources_list": ONE_LINE},
            Mirror(MAIN, SECURITY, Path("/etc/apt/keyrings/our.gpg")),
            id="one line, own keyring",
        ),
        pytest.param(
            {"a_vendor_list": VENDOR, "debian_sources": DEB822},
            Mirror(MAIN, SECURITY, DEBIAN_KEYRING),
            id="a vendor's archive beside Debian's",
        ),
        pytest.param(
            {
                "sources_list": ONE_LINE.replace("bookworm", "stable").replace(
                    "our", "debian-archive-"
                )
            },
            Mirror(MAIN, SECURITY, DEBIAN_KEYRING),
            id="by alias",
        ),
        pytest.param(
            {"sources_list": f"deb {MAIN} trixie main\n"},
            Mirror(MAIN, None, DEBIAN_KEYRING),
            id="no security",
        ),
        pytest.param(
            {"sources_list": "deb [trusted=yes] file:/srv/debian trixie main\n"},
            Mirror("file:/srv/debian", None, DEBIAN_KEYRING, trusted=True),
            id="a folder that is trusted",
        ),
        pytest.param(
            {"sources_list": ONE_LINE.replace("our.gpg", "debian-archive-bookworm-stable.gpg")},
            Mirror(MAIN, SECURITY, DEBIAN_KEYRING),
            id="a key of one release only",
        ),
    ],
)
def test_the_host_mirror_is_the_one_of_its_sources(
    files: dict[str, str], expected: Mirror, tmp_path: Path
) -> None:
    assert host_mirror(sources(tmp_path, **files)) == expected


def test_a_list_of_mirrors_gives_its_first(tmp_path: Path) -> None:
    (tmp_path / "debian.txt").write_text(f"{MAIN}\tpriority:1\nhttp://other.example.org\n")
    text = DEB822.replace(f"{MAIN}/", f"mirror+file:{tmp_path}/debian.txt")

    assert host_mirror(sources(tmp_path, debian_sources=text)).uri == MAIN


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("Types: deb\nURIs: http://a/ubuntu\nSuites: noble\nComponents: main", id="no"),
        pytest.param("Types: deb\nURIs: http://a/x\nSuites: stable\nComponents: main", id="vendor"),
        pytest.param(DEB822.replace("Types", "Enabled: no\nTypes"), id="all switched off"),
        pytest.param("Types: deb\nURIs: http://a/x\nSuites: trixie\nComponents: extra", id="part"),
    ],
)
def test_a_host_without_debian_is_told_what_to_set(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no Debian mirror") as caught:
        host_mirror(sources(tmp_path, debian_sources=text))

    assert "EDGE_MIRROR" in (caught.value.hint or "")


def test_a_setting_gives_the_mirror_and_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGE_MIRROR", "http://own.example.org/debian")

    from_setting = mirror(f"{MAIN}/ {SECURITY}")
    from_environment = mirror()

    assert from_setting == Mirror(MAIN, SECURITY, DEBIAN_KEYRING)
    assert from_environment == Mirror("http://own.example.org/debian", None, DEBIAN_KEYRING)


@pytest.mark.parametrize("setting", ["deb.example.org", "ftp://a/b", f"{MAIN} {MAIN} {MAIN}"])
def test_a_setting_that_is_no_uri_is_refused(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGE_MIRROR", raising=False)

    with pytest.raises(InputError, match="is not a URI"):
        mirror(setting)


@given(st.text())
def test_no_text_in_the_sources_is_a_crash(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = sources(Path(name))
        for file in ("x.list", "x.sources"):
            (folder / "sources.list.d" / file).write_text(text, encoding="utf-8")
        with pytest.raises(InputError):
            host_mirror(folder)
