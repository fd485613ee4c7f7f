"""Tables and targets of the benchmark of update payloads."""

from collections.abc import Callable, Iterator, Mapping

from tools.bench.peers import Result
from tools.bench.usage import MIB, Usage

Rows = Mapping[str, Result]
Results = dict[str, dict[str, Result]]
Titles = Mapping[str, str]

REFERENCE = "zstd"
PATCH, CHUNKS = "patch", "chunks"
OURS = (PATCH, CHUNKS)
PATCH_SHARES = {"sec": 0.040, "kern": 0.26, "big": 0.73}
PATCH_TINY_BYTES = 1000
CHUNKS_TINY_BYTES = 25_000
CHUNKS_RAUC_SHARE = 0.75
MAKE_CPU_S = 15.0
MAKE_RSS_MIB = 1024
APPLY_RSS_MIB = 12.0
APPLY_MB_PER_S = 200.0


def unequal(results: Results) -> list[str]:
    """Return the methods that made other bytes than they should."""
    return [
        f"{method} on {pair}"
        for pair, rows in results.items()
        for method, result in rows.items()
        if result.equal is False
    ]


def text(results: Results, titles: Titles) -> str:
    """Return one table for each pair, then the targets."""
    lines = []
    for pair, rows in results.items():
        head = f"{pair:36}{'bytes':>12}{'share':>8}{'make CPU s':>12}{'MiB':>6}{'apply CPU s':>13}"
        lines.append(f"\n{head}{'MiB':>6}  equal")
        for method, result in rows.items():
            lines.append(
                f"{titles[method]:36}{result.sent_bytes:>12,}{share(rows, result):>8}"
                f"{_cpu(result.make):>12}{_rss(result.make):>6}"
                f"{_cpu(result.apply):>13}{_rss(result.apply):>6}  {_equal(result):8}{result.note}"
            )
    return "\n".join([*(line.rstrip() for line in lines), "", *targets(results)]) + "\n"


def markdown(results: Results, titles: Titles) -> str:
    """Return the tables of docs/benchmarks.md: the bytes, then what making and applying take."""
    tables = (
        _table(results, titles, _cell),
        "make CPU s, MiB / apply CPU s, MiB",
        _table(results, titles, _cost),
        "\n".join(f"- {line}" for line in targets(results)),
    )
    return "\n\n".join(tables) + "\n"


def _table(results: Results, titles: Titles, cell: Callable[[Rows, str], str]) -> str:
    lines = [f"| | {' | '.join(results)} |", f"|---{'|---' * len(results)}|"]
    for method in titles:
        cells = [cell(rows, method) if method in rows else "-" for rows in results.values()]
        if set(cells) != {"-"}:
            title = f"**{titles[method]}**" if method in OURS else titles[method]
            lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(rows: Rows, method: str) -> str:
    told = share(rows, rows[method])
    return f"{rows[method].sent_bytes:,}" + (f" ({told})" if told else "")


def _cost(rows: Rows, method: str) -> str:
    made, applied = rows[method].make, rows[method].apply
    if not made:
        return "-"
    return f"{_cpu(made)}, {_rss(made)} / " + (
        f"{_cpu(applied)}, {_rss(applied)}" if applied else "-"
    )


def share(rows: Rows, result: Result) -> str:
    """Return the share of the reference's bytes, in percent."""
    if REFERENCE not in rows:
        return ""
    percent = 100 * result.sent_bytes / rows[REFERENCE].sent_bytes
    digits = 4 if percent < 0.1 else 2 if percent < 10 else 0
    return f"{percent:.{digits}f} %"


def _cpu(usage: Usage | None) -> str:
    return f"{usage.cpu_s:.2f}" if usage else "-"


def _rss(usage: Usage | None) -> str:
    return f"{usage.rss_bytes / MIB:.0f}" if usage else "-"


def _equal(result: Result) -> str:
    return {True: "yes", False: "NO", None: "-"}[result.equal]


def targets(results: Results) -> Iterator[str]:
    """Tell each target of ours that these results can answer."""
    for pair, rows in results.items():
        if PATCH in rows:
            yield from _patch_bytes(pair, rows)
            yield from _patch_costs(pair, rows[PATCH])
        if CHUNKS in rows:
            yield from _chunks_bytes(pair, rows)


def _patch_bytes(pair: str, rows: Rows) -> Iterator[str]:
    mine = rows[PATCH].sent_bytes
    if pair == "tiny":
        yield _told("tiny: patch bytes", mine, PATCH_TINY_BYTES, f"{mine:,} bytes")
    elif pair in PATCH_SHARES and REFERENCE in rows:
        found = mine / rows[REFERENCE].sent_bytes
        limit = PATCH_SHARES[pair]
        yield _told(f"{pair}: patch / zstd -19", found, limit, f"{found:.2%}, at most {limit:.0%}")
    others = {name: row.sent_bytes for name, row in rows.items() if name not in OURS}
    if others:
        best = min(others, key=lambda name: others[name])
        seen = f"{mine:,}, the best peer is {best} with {others[best]:,}"
        yield _told(f"{pair}: smaller than every peer", mine, others[best] - 1, seen)


def _patch_costs(pair: str, row: Result) -> Iterator[str]:
    if row.make:
        mib = row.make.rss_bytes / MIB
        yield _told(f"{pair}: memory to make", mib, MAKE_RSS_MIB - 1, f"{mib:.0f} MiB, below 1024")
    if row.make and pair == "sec":
        seen = f"{row.make.cpu_s:.1f} CPU s, at most {MAKE_CPU_S:.0f}"
        yield _told("sec: time to make", row.make.cpu_s, MAKE_CPU_S, seen)
    if row.apply_above_mib is not None:
        seen = f"{row.apply_above_mib:.1f} MiB above the imports, at most {APPLY_RSS_MIB:.0f}"
        yield _told(f"{pair}: memory to apply", row.apply_above_mib, APPLY_RSS_MIB, seen)
    if row.apply_mb_per_s is not None and pair == "sec":
        seen = f"{row.apply_mb_per_s:.0f} MB/s of image, at least {APPLY_MB_PER_S:.0f}"
        yield _told("sec: speed of applying", -row.apply_mb_per_s, -APPLY_MB_PER_S, seen)


def _chunks_bytes(pair: str, rows: Rows) -> Iterator[str]:
    mine = rows[CHUNKS].sent_bytes
    if pair == "tiny":
        yield _told("tiny: chunks bytes", mine, CHUNKS_TINY_BYTES, f"{mine:,} bytes")
    rauc = [rows[name].sent_bytes for name in ("rauc128", "rauc64") if name in rows]
    if pair == "sec" and rauc:
        found = mine / min(rauc)
        seen = f"{found:.1%}, at most {CHUNKS_RAUC_SHARE:.0%}"
        yield _told("sec: chunks / RAUC adaptive", found, CHUNKS_RAUC_SHARE, seen)


def _told(what: str, found: float, limit: float, seen: str) -> str:
    return f"{what}: {'met' if found <= limit else 'MISSED'}: {seen}"
