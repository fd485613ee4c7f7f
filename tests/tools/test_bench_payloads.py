"""The benchmark of update payloads: the pinned pairs, RAUC's computation, what decides the end."""

import random
import sys
import zlib
from pathlib import Path

import pytest

from edge.errors import InputError, ToolError
from tools.bench import pair_lock, payload_report, payloads, rauc_adaptive
from tools.bench.peers import Peer, Result, missing
from tools.bench.usage import Usage, measured

UNIT_BYTES = 64 << 10
BLOCK_BYTES = rauc_adaptive.BLOCK_BYTES
LINE = f"base,sec zlib1g 1:1.2.13-1 arm64 {'0' * 64} 83424 main pool/main/z/zlib/zlib1g.deb\n"


def test_the_pinned_pairs_hold_a_security_update_of_python_and_openssl() -> None:
    pinned = pair_lock.parse(pair_lock.LOCK.read_text())

    changed = {p.name for p in pinned["sec"]} & {
        p.name for p in set(pinned["sec"]) - set(pinned["base"])
    }
    assert {"openssl", "libssl3", "python3.11"} <= changed
    assert len(changed) >= 10
    assert {p.name for p in pinned["base"]} == {p.name for p in pinned["sec"]}
    assert pinned["kern-old"] != pinned["kern-new"]
    assert len(pinned["big"]) > 100


def test_the_lock_names_no_host() -> None:
    assert "://" not in pair_lock.LOCK.read_text()


def test_a_lock_comes_back_as_it_was_written() -> None:
    text = pair_lock.LOCK.read_text()

    assert pair_lock.text_of(pair_lock.parse(text)) == text


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(LINE.replace("base,sec", "base,other"), id="unknown tree"),
        pytest.param(LINE.replace("0" * 64, "0" * 63), id="short hash"),
        pytest.param(LINE.replace(" main ", " "), id="missing word"),
    ],
)
def test_a_line_that_is_no_pinned_package_is_refused(line: str) -> None:
    with pytest.raises(InputError, match=r"pairs\.lock:2"):
        pair_lock.parse(f"# a comment\n{line}")


def _image() -> bytearray:
    return bytearray(random.Random(1).randbytes(4 * UNIT_BYTES))


def test_rauc_fetches_the_index_and_each_unit_with_a_missing_block() -> None:
    old = _image()
    new = old.copy()
    new[5] ^= 1
    new[3 * BLOCK_BYTES] ^= 1  # the same unit
    new[2 * UNIT_BYTES : 2 * UNIT_BYTES + BLOCK_BYTES] = b"text" * (BLOCK_BYTES // 4)

    plan = rauc_adaptive.plan(old, new, unit_bytes=UNIT_BYTES)

    third = bytes(new[2 * UNIT_BYTES : 3 * UNIT_BYTES])
    assert plan.units == 2
    assert plan.index_bytes == 4 * UNIT_BYTES // BLOCK_BYTES * 32
    assert plan.unit_bytes == UNIT_BYTES + len(zlib.compress(third, 9))
    assert plan.total_bytes == plan.index_bytes + plan.unit_bytes


def test_rauc_finds_blocks_that_moved() -> None:
    old = _image()
    new = old[BLOCK_BYTES:] + old[:BLOCK_BYTES]

    plan = rauc_adaptive.plan(old, new, unit_bytes=UNIT_BYTES)

    assert (plan.units, plan.unit_bytes) == (0, 0)


def test_rauc_fetches_nothing_for_a_unit_of_zeros() -> None:
    plan = rauc_adaptive.plan(_image(), bytes(UNIT_BYTES), unit_bytes=UNIT_BYTES)

    assert (plan.units, plan.unit_bytes) == (1, 0)


def test_the_memory_of_a_small_program_is_not_that_of_this_one() -> None:
    ballast = bytearray(b"x") * (100 << 20)

    usage = measured([sys.executable, "-I", "-S", "-c", "pass"]).usage

    assert len(ballast) > usage.rss_bytes > 1 << 20


def test_a_program_that_fails_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    code = "import sys; sys.exit('broken')"

    with pytest.raises(ToolError, match="broken"):
        measured([sys.executable, "-c", code], output=tmp_path / "out")


def test_missing_programs_are_told_by_their_packages() -> None:
    peers = [Peer("x", {"no-such-program": "its-package", "sh": "dash"}, lambda *_: Result(0))]

    assert missing(peers) == ["its-package"]


def _run(monkeypatch: pytest.MonkeyPatch, folder: Path, result: Result, *words: str) -> None:
    pair = [folder / "old.img", folder / "new.img"]
    for path in pair:
        path.write_bytes(bytes(BLOCK_BYTES))
    calls = iter([result])
    peer = Peer("made up", {}, lambda _pair, _folder: next(calls))
    monkeypatch.setattr(payloads, "METHODS", {"fake": peer})
    pair_words = ["--pair", *map(str, pair), "--peers", "fake"]
    monkeypatch.setattr(sys, "argv", ["payloads.py", *pair_words, *words])
    payloads.main()


def test_a_reconstruction_that_is_not_equal_ends_with_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match="other bytes than the new image: fake on own"):
        _run(monkeypatch, tmp_path, Result(7, equal=False))


def test_results_are_kept_and_used_again_for_the_same_images(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ("--json", str(tmp_path / "results.json"), "--reuse")
    _run(monkeypatch, tmp_path, Result(7, make=Usage(1.0, 2.0, 3), equal=True), *words)

    _run(monkeypatch, tmp_path, Result(8, equal=False), *words)


def test_targets_are_told_as_met_or_missed() -> None:
    cost = Usage(1.0, 20.0, 100 << 20)
    rows = {
        "zstd": Result(1_000_000, cost, cost, equal=True),
        "bsdiff": Result(38_000, cost, cost, equal=True),
        "patch": Result(39_000, cost, cost, equal=True, apply_mb_per_s=250.0, apply_above_mib=12.5),
    }

    told = list(payload_report.targets({"sec": rows}))

    assert told == [
        "sec: patch / zstd -19: met: 3.90%, at most 4%",
        "sec: smaller than every peer: MISSED: 39,000, the best peer is bsdiff with 38,000",
        "sec: memory to make: met: 100 MiB, below 1024",
        "sec: time to make: MISSED: 20.0 CPU s, at most 15",
        "sec: memory to apply: MISSED: 12.5 MiB above the imports, at most 12",
        "sec: speed of applying: met: 250 MB/s of image, at least 200",
    ]


def test_markdown_has_a_row_for_each_method() -> None:
    results = {"tiny": {"zstd": Result(1000, equal=True), "patch": Result(12, equal=True)}}
    results["sec"] = {"zstd": Result(1000, equal=True)}

    told = payload_report.markdown(results, {"zstd": "full", "patch": "Edge, patch"})

    assert "| | tiny | sec |\n|---|---|---|\n| full | 1,000 (100 %) | 1,000 (100 %) |" in told
    assert "| **Edge, patch** | 12 (1.20 %) | - |" in told
