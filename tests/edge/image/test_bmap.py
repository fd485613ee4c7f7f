"""Block maps."""

import hashlib
import io
from xml.etree import ElementTree

import pytest

from edge.image import bmap
from edge.image.bmap import BlockRange

BLOCK = 4096


@pytest.mark.parametrize(
    ("spans", "ranges"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(5, 5)], [], id="an empty span"),
        pytest.param([(0, 1)], [(0, 0)], id="one byte"),
        pytest.param([(0, BLOCK + 1)], [(0, 1)], id="one byte more than a block"),
        pytest.param([(0, BLOCK), (BLOCK, 2 * BLOCK)], [(0, 1)], id="neighbours"),
        pytest.param([(0, 9), (100, 200)], [(0, 0)], id="two in one block"),
        pytest.param([(3 * BLOCK, 4 * BLOCK), (0, 9)], [(0, 0), (3, 3)], id="out of order"),
        pytest.param([(0, 9 * BLOCK), (BLOCK, 2 * BLOCK)], [(0, 8)], id="one in another"),
    ],
)
def test_spans_become_ranges_of_blocks(
    spans: list[tuple[int, int]], ranges: list[tuple[int, int]]
) -> None:
    assert bmap.ranges_of(spans) == tuple(BlockRange(first, last) for first, last in ranges)


def test_a_map_lists_its_ranges_with_their_sums_and_its_own() -> None:
    image = b"a" * BLOCK + bytes(BLOCK) + b"b" * (2 * BLOCK + 100)
    ranges = [BlockRange(0, 0), BlockRange(2, 4)]

    document = bmap.document(io.BytesIO(image), image_bytes=len(image), ranges=ranges)

    root = ElementTree.fromstring(document)
    found = {element.tag: (element.text or "").strip() for element in root}
    assert root.attrib == {"version": "2.0"}
    assert found["ImageSize"] == str(len(image))
    assert (found["BlocksCount"], found["MappedBlocksCount"]) == ("5", "4")
    assert [(item.text or "").strip() for item in root.iter("Range")] == ["0", "2-4"]
    assert [item.get("chksum") for item in root.iter("Range")] == [
        hashlib.sha256(image[:BLOCK]).hexdigest(),
        hashlib.sha256(image[2 * BLOCK :]).hexdigest(),
    ]
    own = found["BmapFileChecksum"].encode()
    assert hashlib.sha256(document.replace(own, b"0" * 64)).hexdigest().encode() == own
