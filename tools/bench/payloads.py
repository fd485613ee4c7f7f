"""Bytes of an update by our payloads and by the methods of others, on pairs of real images.

    tools/bench/pairs.py build
    tools/bench/payloads.py [--only tiny,sec] [--peers xdelta3,bsdiff,...] [--json FILE [--reuse]]
    tools/bench/payloads.py --pair OLD.img NEW.img

All run one after the other, and each new image that a method makes is compared byte for byte with
the real one: status 1 if one is not equal. Targets are told as met or missed and decide nothing.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge import digest
from edge.errors import EdgeError
from tools.bench import ours, pairs, payload_report
from tools.bench.payload_report import Results
from tools.bench.peers import PEERS, Pair, Peer, Result, has_trees, missing
from tools.bench.usage import Usage

METHODS: Mapping[str, Peer] = {**PEERS, **ours.METHODS}


@dataclass(frozen=True, slots=True)
class Known:
    """Results of an earlier run, each of the images with these digests."""

    document: dict[str, Any]

    def find(self, key: str, method: str) -> Result | None:
        """Return the result of a method for a pair of images."""
        row = self.document.get(key, {}).get(method)
        return _result(row) if row else None


def _result(row: dict[str, Any]) -> Result:
    made, applied = (Usage(**row[name]) if row[name] else None for name in ("make", "apply"))
    return Result(**{**row, "make": made, "apply": applied})


def key_of(pair: Pair) -> str:
    """Return what names the contents of a pair."""
    return f"{pair.name} {digest.of_file(pair.old)} {digest.of_file(pair.new)}"


def measure(pair: Pair, methods: Sequence[str], known: Known) -> dict[str, Result]:
    """Run the methods on one pair, each in an empty folder; say what each sends as it ends."""
    key = key_of(pair)
    results = {}
    for name in methods:
        if METHODS[name].needs_trees and not has_trees(pair):
            print(f"  {pair.name}: {METHODS[name].title}: left out, the images are not erofs")
            continue
        result = known.find(key, name)
        if result is None:
            with tempfile.TemporaryDirectory(prefix="edge-bench-") as folder:
                result = METHODS[name].run(pair, Path(folder))
        results[name] = result
        known.document.setdefault(key, {})[name] = asdict(result)
        print(f"  {pair.name}: {METHODS[name].title}: {result.sent_bytes:,} bytes", flush=True)
    return results


def _wanted_pairs(options: argparse.Namespace) -> list[Pair]:
    if options.pair:
        old, new = options.pair
        return [Pair("own", old, new)]
    folder = options.folder
    wanted = [
        Pair(name, folder / f"{name}-old.img", folder / f"{name}-new.img")
        for name in options.only.split(",")
    ]
    for pair in wanted:
        if not (pair.old.is_file() and pair.new.is_file()):
            raise SystemExit(f"{pair.old} and {pair.new}: run `tools/bench/pairs.py build` first")
    return wanted


def _wanted_methods(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in METHODS]:
        known = ", ".join(METHODS)
        raise SystemExit(f"no method is called {', '.join(unknown)}; there are {known}")
    if packages := missing([METHODS[name] for name in names]):
        raise SystemExit(
            f"missing programs; run `apt-get install --no-install-recommends {' '.join(packages)}`"
        )
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, default=pairs.default_folder(), help="of the images")
    parser.add_argument("--only", default=",".join(pairs.PAIRS), help="pairs, with commas between")
    parser.add_argument(
        "--pair", type=Path, nargs=2, metavar=("OLD", "NEW"), help="images of yours"
    )
    parser.add_argument("--peers", default=",".join(METHODS), help="methods, with commas between")
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--reuse", action="store_true", help="take known results from that file")
    parser.add_argument("--markdown", action="store_true", help="print tables for the documents")
    options = parser.parse_args()
    methods = _wanted_methods(options.peers)
    reuse = options.reuse and options.json and options.json.is_file()
    known = Known(json.loads(options.json.read_text()) if reuse else {})
    results: Results = {}
    for pair in _wanted_pairs(options):
        try:
            results[pair.name] = measure(pair, methods, known)
        except EdgeError as error:
            raise SystemExit(f"{pair.name}: {error}") from error
        finally:
            if options.json:
                options.json.write_text(json.dumps(known.document, indent=1) + "\n")
    show = payload_report.markdown if options.markdown else payload_report.text
    titles = {name: METHODS[name].title for name in methods}
    print(show(results, titles), end="")
    if wrong := payload_report.unequal(results):
        raise SystemExit(f"other bytes than the new image: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
