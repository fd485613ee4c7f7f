"""What the initramfs program reads from the kernel command line and from its settings."""

from pathlib import Path

import pytest

from edge import paths, process, toolbox
from edge.errors import ToolError

pytestmark = pytest.mark.tools

SOURCES = paths.PROJECT / "device-agent" / "init" / "src"
HARNESS = """
#undef main
int main(int count, char **words) {
  char value[64];
  if (count == 2) return !slot_of_firmware(words[1], value, sizeof value) || puts(value) < 0;
  if (count != 4 || !value_of(words[1], words[2], value, atoi(words[3]))) return 1;
  return puts(value) < 0;
}
"""


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The initramfs program with another `main`, which asks for one value."""
    folder = tmp_path_factory.mktemp("initramfs")
    harness = folder / "harness.c"
    source = (SOURCES / "initramfs.c").read_text()
    harness.write_text(f"#define main initramfs_main\n{source}{HARNESS}")
    sources = [harness, SOURCES / "verity.c", SOURCES / "initramfs.h"]
    toolbox.compile_c(sources, folder / "program")
    return folder / "program"


def value_of(program: Path, text: str, key: str, size_bytes: int = 8) -> str | None:
    words = [*toolbox.tool("qemu-aarch64"), str(program), text, key, str(size_bytes)]
    try:
        return process.run(words, timeout_s=30).stdout.decode().rstrip("\n")
    except ToolError:
        return None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("edge.slot=a", "a", id="alone"),
        pytest.param("quiet edge.slot=b panic=5\n", "b", id="in the middle"),
        pytest.param("panic=5 edge.slot=b\n", "b", id="at the end of a line"),
        pytest.param("x=1\nedge.slot=a\ny=2\n", "a", id="in a line of its own"),
        pytest.param("xedge.slot=b edge.slot=a", "a", id="not the end of another word"),
        pytest.param("edge.slot=b edge.slot=a", "a", id="the last of two"),
        pytest.param("edge.slot=1234567", "1234567", id="as long as there is room"),
        pytest.param("edge.slot=12345678", None, id="too long"),
        pytest.param("edge.slot= x", None, id="empty"),
        pytest.param("edge.slot", None, id="no equals sign"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_value_is_a_whole_word_that_fits(program: Path, text: str, value: str | None) -> None:
    assert value_of(program, text, "edge.slot=") == value


@pytest.mark.parametrize(
    ("number", "slot"),
    [
        pytest.param("00000002", "a", id="2"),
        pytest.param("00000003", "b", id="3"),
        pytest.param("00000001", None, id="the first one"),
        pytest.param("02000000", None, id="little endian"),
        pytest.param("000003", None, id="too short"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="not there"),
    ],
)
def test_the_firmware_of_a_raspberry_pi_says_which_slot_it_has_started(
    program: Path, tmp_path: Path, number: str | None, slot: str | None
) -> None:
    path = tmp_path / "partition"
    if number is not None:
        path.write_bytes(bytes.fromhex(number))

    words = [*toolbox.tool("qemu-aarch64"), str(program), str(path)]
    try:
        said = process.run(words, timeout_s=30).stdout.decode().strip()
    except ToolError:
        said = None

    assert said == slot
