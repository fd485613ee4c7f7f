"""What references name, by Docker's rules."""

from pathlib import Path

import pytest

from edge.errors import InputError
from edge.system.reference import (
    LocalReference,
    check_reference,
    complete,
    parse_reference,
    placed,
    registry_reference,
)

DIGEST = f"sha256:{'ab' * 32}"
FOLDER = Path("/project")
HUB = "index." + "docker.io"


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("alpine", "docker.io/library/alpine:latest"),
        ("alpine:3.20", "docker.io/library/alpine:3.20"),
        ("linuxkit/sshd:v1", "docker.io/linuxkit/sshd:v1"),
        ("docker.io/alpine", "docker.io/library/alpine:latest"),
        (f"{HUB}/alpine:1", "docker.io/library/alpine:1"),
        ("localhost/a", "localhost/a:latest"),
        ("localhost:5000/a/b_c.d-e", "localhost:5000/a/b_c.d-e:latest"),
        ("127.0.0.1:5000/a:1", "127.0.0.1:5000/a:1"),
        ("[::1]:5000/a:1", "[::1]:5000/a:1"),
        ("example.com/a:V1.0_x", "example.com/a:V1.0_x"),
        (f"alpine@{DIGEST}", f"docker.io/library/alpine@{DIGEST}"),
        (f"alpine:3@{DIGEST}", f"docker.io/library/alpine:3@{DIGEST}"),
    ],
)
def test_what_is_left_out_is_filled_in(text: str, whole: str) -> None:
    assert str(registry_reference(text)) == whole
    assert registry_reference(whole) == registry_reference(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'library/' is not a name"),
        ("Alpine", "'library/Alpine' is not a name"),
        ("alpine:", "'' is not a tag"),
        ("alpine:-x", "'-x' is not a tag"),
        (f"alpine:{'x' * 129}", "is not a tag"),
        ("alpine@sha256:12", "'sha256:12' is not sha256"),
        ("alpine@", "'' is not sha256"),
        ("http://example.com/a", "is not a"),
        ("-x.example.com/a", "'-x.example.com' is not a host"),
        ("example.com/../a", "is not a name"),
        ("example.com//a", "is not a name"),
        ("example.com/a b", "is not a name"),
        ("a\n", "is not a name"),
        ("ab" * 32, "a bare hash"),
        (f"example.com/{'a' * 250}", "too long"),
    ],
)
def test_what_is_no_reference_is_told(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        registry_reference(text)

    assert "oci:PATH" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("oci:web", LocalReference(FOLDER / "web", None)),
        ("oci:/web:1", LocalReference(Path("/web"), "1")),
        ("oci:web:linuxkit/init:1", LocalReference(FOLDER / "web", "linuxkit/init:1")),
        ("oci-archive:a.tar:1", LocalReference(FOLDER / "a.tar", "1", is_archive=True)),
    ],
)
def test_layouts_and_archives_are_paths(text: str, found: LocalReference) -> None:
    assert parse_reference(text, FOLDER) == found
    assert parse_reference(str(found), FOLDER) == found


@pytest.mark.parametrize("text", ["oci:", "oci-archive:", "oci::1"])
def test_a_path_that_is_missing_is_told(text: str) -> None:
    with pytest.raises(InputError, match="a path is missing"):
        parse_reference(text, FOLDER)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis", "docker.io/library/redis"),
        ("redis:7", "docker.io/library/redis:7"),
        ("redis:latest", "docker.io/library/redis:latest"),
        ("localhost:5000/a", "localhost:5000/a"),
        (f"a/b:1@sha256:{'0' * 64}", f"docker.io/a/b:1@sha256:{'0' * 64}"),
        (f"a/b@sha256:{'0' * 64}", f"docker.io/a/b@sha256:{'0' * 64}"),
        ("oci:x:1", "oci:x:1"),
        ("@pkg:./x", "@pkg:./x"),
        ("", ""),
    ],
)
def test_a_reference_is_completed_with_its_host_and_nothing_else(text: str, expected: str) -> None:
    assert complete(text) == expected


def test_a_path_is_made_absolute() -> None:
    assert placed("oci:x:1", Path("/f")) == "oci:/f/x:1"
    assert placed("oci-archive:/x", Path("/f")) == "oci-archive:/x"
    assert placed("redis", Path("/f")) == "redis"


@pytest.mark.parametrize("text", ["@pkg:", "oci:", "Redis", ""])
def test_what_is_no_reference_in_a_file_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        check_reference(text)
