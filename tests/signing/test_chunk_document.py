"""A reader written from docs/formats.md alone, with nothing of ours, reads the vectors."""

import hashlib
import struct
from pathlib import Path

import zstandard

VECTORS = Path(__file__).parent.parent / "vectors"


def cut_hash(data: bytes, length: int) -> bytes:
    return hashlib.sha256(data).digest()[:length]


def group_of(index: bytes, stored: bytes, history_bytes: int) -> bytes:
    data = b""
    for lookup, raw_bytes, stored_bytes, stored_hash in struct.iter_unpack("<8sHH16s", index):
        unit, stored = stored[:stored_bytes], stored[stored_bytes:]
        if not stored_bytes:
            assert not any(stored_hash)
            chunk = bytes(raw_bytes)
        else:
            assert cut_hash(unit, 16) == stored_hash
            chunk = unit
        if 0 < stored_bytes < raw_bytes:
            history = zstandard.ZstdCompressionDict(
                data[-history_bytes:], dict_type=zstandard.DICT_TYPE_RAWCONTENT
            )
            decoder = zstandard.ZstdDecompressor(dict_data=history if data else None)
            chunk = decoder.decompress(b"\x28\xb5\x2f\xfd" + unit)
        assert len(chunk) == raw_bytes
        assert cut_hash(chunk, 8) == lookup
        data += chunk
    assert stored == b""
    return data


def test_a_reader_made_from_the_document_reads_the_vectors() -> None:
    image, table, blob = (
        (VECTORS / f"chunks_{name}.bin").read_bytes() for name in ("image", "table", "blob")
    )
    magic, image_bytes, blob_bytes, *_cutting, history_bytes, count = struct.unpack(
        "<8sQQHHBBBIII", table[:43]
    )

    made, place = b"", 0
    rows = list(struct.iter_unpack("<16s3sB16s3s", table[43:]))
    for raw_hash, raw_bytes, chunks, index_hash, stored_bytes in rows:
        index = blob[place : place + 28 * chunks]
        place += 28 * chunks
        stored = blob[place : place + int.from_bytes(stored_bytes, "little")]
        place += len(stored)
        if chunks:
            assert cut_hash(index, 16) == index_hash
            group = group_of(index, stored, history_bytes)
        else:
            group = bytes(int.from_bytes(raw_bytes, "little"))
        assert len(group) == int.from_bytes(raw_bytes, "little")
        assert cut_hash(group, 16) == raw_hash
        made += group

    assert (magic, image_bytes, blob_bytes, count) == (b"EDGECHK1", len(image), place, len(rows))
    assert made == image
