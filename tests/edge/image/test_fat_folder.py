"""How names are stored in FAT folders."""

import pytest

from edge.image import fat_folder


@pytest.mark.parametrize(
    ("spelling", "short", "case", "is_long"),
    [
        pytest.param("BOOTCODE.BIN", b"BOOTCODEBIN", 0x00, False, id="capitals"),
        pytest.param("bootcode.bin", b"BOOTCODEBIN", 0x18, False, id="small"),
        pytest.param("boot.BIN", b"BOOT    BIN", 0x08, False, id="small stem"),
        pytest.param("BOOT.bin", b"BOOT    BIN", 0x10, False, id="small suffix"),
        pytest.param("start4.elf", b"START4  ELF", 0x18, False, id="digit"),
        pytest.param("Image", b"IMAGE      ", 0x00, True, id="mixed"),
        pytest.param("bcm2711-rpi-4-b.dtb", b"BCM271~1DTB", 0x00, True, id="long"),
        pytest.param("vc4.dtbo", b"VC4~1   DTB", 0x00, True, id="long suffix"),
        pytest.param("a.b.c", b"AB~1    C  ", 0x00, True, id="two dots"),
        pytest.param(".config", b"CONFIG~1   ", 0x00, True, id="hidden"),
        pytest.param("\u0131", b"I~1        ", 0x00, True, id="foreign with a plain capital"),
        pytest.param("ä b", b"_B~1       ", 0x00, True, id="foreign"),
    ],
)
def test_a_name_of_dos_stays_short_and_any_other_gets_a_long_one(
    spelling: str, short: bytes, case: int, is_long: bool
) -> None:
    name = fat_folder.names_of([spelling])[spelling]

    assert (name.short, name.case) == (short, case)
    assert name.long == (spelling if is_long else None)


def test_aliases_of_one_folder_differ() -> None:
    names = fat_folder.names_of([f"long name {number:02}.txt" for number in range(12)])

    shorts = {name.short for name in names.values()}
    assert len(shorts) == 12
    assert b"LONGNA~1TXT" in shorts
    assert b"LONGN~12TXT" in shorts


def test_an_alias_makes_way_for_a_real_short_name() -> None:
    names = fat_folder.names_of(["LONGNA~1.TXT", "long name.txt"])

    assert names["LONGNA~1.TXT"].short == b"LONGNA~1TXT"
    assert names["long name.txt"].short == b"LONGNA~2TXT"


def test_the_entries_of_a_long_name_are_golden() -> None:
    name = fat_folder.names_of(["bcm2711-rpi-4-b.dtb"])["bcm2711-rpi-4-b.dtb"]

    packed = fat_folder.packed_entry(name, cluster=0x0001_0002, length_bytes=5)

    assert packed.hex(" ", 32).split() == [
        "422d0062002e00640074000f00" + packed[13:14].hex() + "62000000ffffffffffffffff0000ffffffff",
        "01620063006d00320037000f00"
        + packed[13:14].hex()
        + "310031002d007200700069000000"
        + "2d003400",
        "42434d3237317e314454422000000000210021000100000021000200" + "05000000",
    ]
    assert name.entries == 3
