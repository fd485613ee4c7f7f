"""docs/formats.md says what the code writes."""

from pathlib import Path

import pytest

from edge.image import plan

ROOT = Path(__file__).parent.parent.parent.parent
DOCUMENT = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
OURS = (
    "boot_state_*",
    "gpt*",
    "boot_script*",
    "verity*",
    "bundle*",
    "payload_table*",
    "patch*",
    "chunks*",
)


def test_every_golden_vector_is_named() -> None:
    vectors = [path.name for kind in OURS for path in (ROOT / "tests" / "vectors").glob(kind)]

    assert len(vectors) >= 15
    assert [name for name in vectors if f"`{name}`" not in DOCUMENT] == []


def test_the_bytes_of_the_boot_state_are_those_of_the_vector() -> None:
    vector = (ROOT / "tests" / "vectors" / "boot_state_armed_b.bin").read_bytes()

    for at in range(0, 64, 16):
        assert f"{at:04x}  {vector[at : at + 16].hex(' ')}  " in DOCUMENT
    assert not any(vector[64:])


@pytest.mark.parametrize("name", ["firmware", "bootstate", "boot-a", "rootfs-b", "data"])
def test_the_type_of_every_partition_is_told(name: str) -> None:
    layout = plan.Layout(boot_mib=1, rootfs_mib=1, firmware_mib=1, data_mib=1)
    partition = plan.plan(layout, seed="document").partition(name)

    rows = [line for line in DOCUMENT.splitlines() if f"`{name}`" in line and line[:2] == "| "]
    assert any(str(partition.type_guid) in row for row in rows)
