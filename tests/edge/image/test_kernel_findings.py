import pytest

from edge.errors import InputError
from edge.hardening import protections
from edge.hardening.kernel import Kernel, read_version
from edge.hardening.protection import Finding
from edge.image.kernel_findings import require_landlock
from edge.oci.report import Privileges

FILES, PORTS = ("read:/",), ("read:/", "bind", "bind:80")


def container(landlock: tuple[str, ...]) -> Privileges:
    return Privileges(
        *("web", "services", 1, 1, (), "new", (), (), (), (), "default", False, False),
        landlock=landlock,
    )


def findings(release: str, *, landlock: str | None) -> tuple[Finding, ...]:
    config = None if landlock is None else {"SECURITY_LANDLOCK": landlock}
    return protections.findings(Kernel(read_version(release), config, {}, {}))


@pytest.mark.parametrize(
    ("release", "landlock", "words"),
    [
        pytest.param("6.12.1-arm64", "y", PORTS, id="all of it"),
        pytest.param("6.2.0", "y", FILES, id="files only"),
        pytest.param("6.1.0", "n", (), id="nothing is confined"),
        pytest.param("6.12.1", None, PORTS, id="nothing is known"),
    ],
)
def test_a_kernel_that_can_hold_its_containers_is_taken(
    release: str, landlock: str | None, words: tuple[str, ...]
) -> None:
    require_landlock(release, findings(release, landlock=landlock), [container(words)])


def test_without_a_kernel_nothing_is_asked() -> None:
    require_landlock("", (), [container(PORTS)])


@pytest.mark.parametrize(
    ("release", "landlock", "words", "said"),
    [
        pytest.param("6.12.1", "n", FILES, "6.12.1 has no Landlock", id="left out"),
        pytest.param("6.1.9", "y", FILES, "6.1.9 is older than 6.2", id="old"),
        pytest.param("6.6.2", "y", PORTS, "6.6.2 is older than 6.7", id="old for ports"),
    ],
)
def test_a_kernel_on_which_a_service_would_not_start_is_refused(
    release: str, landlock: str, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(InputError, match=f"web: landlock: kernel {said}") as at:
        require_landlock(release, findings(release, landlock=landlock), [container(words)])

    assert "landlock: {enabled: false}" in (at.value.hint or "")
