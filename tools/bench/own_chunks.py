"""The child that makes a chunk payload, or an image from one, with only the old image at hand.

tools/bench/own_chunks.py make NEW TABLE BLOB
tools/bench/own_chunks.py apply OLD TABLE BLOB NEW     print what was fetched, as JSON
"""

import json
import sys
from pathlib import Path

from edge.bundle import chunks
from edge_agent.payload.chunk_stock import Base, Stock
from edge_agent.payload.chunks import Plan, assemble, index_ranges, missing
from edge_agent.payload.piece import FileBase
from edge_signing.formats.chunks import Table


def make(new: Path, table: Path, blob: Path) -> None:
    """Write the table and the blob of an image."""
    with blob.open("wb") as stream:
        table.write_bytes(chunks.make(new, stream).table)


def apply(old: Path, table_file: Path, blob: Path, new: Path) -> None:
    """Write the new image from the old one and ranges of the blob."""
    table = Table.unpack(table_file.read_bytes())
    with old.open("rb") as base, blob.open("rb") as source, new.open("wb") as target:

        def fetch(offset_bytes: int, length_bytes: int) -> bytes:
            source.seek(offset_bytes)
            return source.read(length_bytes)

        length_bytes = old.stat().st_size
        stock = Stock.of([Base(FileBase(base.fileno()), length_bytes)], table.cutting)
        wanted = index_ranges(table, missing(table, stock))
        indexes = {number: fetch(at.offset_bytes, at.length_bytes) for number, at in wanted.items()}
        plan = Plan.of(table, stock, indexes)
        for piece in assemble(plan, fetch):
            target.write(piece.data)
    print(json.dumps({"bytes": plan.planned_bytes, "requests": len(wanted) + len(plan.ranges)}))


def main(verb: str, words: list[str]) -> None:
    paths = [Path(word) for word in words]
    if verb == "make":
        make(*paths)
    else:
        apply(*paths)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
