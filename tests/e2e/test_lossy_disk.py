"""The disk that stands in for real ones keeps what it promised, and nothing more."""

import random
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.lossy_disk import SECTOR_BYTES, Cache

SECTORS = 16
Step = tuple[str, int, int]  # what, sector, count
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("write", "durable", "flush")),
        st.integers(0, SECTORS - 4),
        st.integers(1, 4),
    ),
    max_size=24,
)


@given(steps=STEPS, seed=st.integers(0, 1 << 32))
def test_after_a_cut_each_sector_is_one_that_it_may_be(steps: list[Step], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "disk"
        path.write_bytes(bytes(SECTORS * SECTOR_BYTES))
        check(path, steps, random.Random(seed))


def check(path: Path, steps: list[Step], chance: random.Random) -> None:
    cache = Cache(path, chance)
    allowed = [{0} for _sector in range(SECTORS)]
    now = [0] * SECTORS
    for number, (what, sector, count) in enumerate(steps, start=1):
        if what == "flush":
            cache.flush()
            allowed = [{value} for value in now]
            continue
        cache.write(
            sector * SECTOR_BYTES,
            bytes([number]) * SECTOR_BYTES * count,
            is_durable=what == "durable",
        )
        for one in range(sector, sector + count):
            now[one] = number
            allowed[one] = {number} if what == "durable" else allowed[one] | {number}
    assert sectors(cache.read(0, SECTORS * SECTOR_BYTES)) == now

    cache.cut()

    assert all(value in may for value, may in zip(sectors(path.read_bytes()), allowed, strict=True))
    cache.close()


def sectors(data: bytes) -> list[int]:
    return [data[at] for at in range(0, len(data), SECTOR_BYTES)]
