"""What the reference server knows of its devices, in a folder, so that it may be restarted.

desired/<device>.json   what a device should run: whoever puts a file here makes an offer
events/<device>.jsonl   all events, each once, in the order in which they came
state/<device>.json     the newest state
online/<device>.json    the newest birth or will
"""

import json
import threading
from collections.abc import Iterable
from pathlib import Path

from edge_signing import canonical
from edge_signing.messages import Desired, EventId, ReportEvent, Status
from edge_signing.trust.names import check_device


class Fleet:
    """The devices of one server; for many threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repeats = 0
        self._lock = threading.Lock()
        for name in ("desired", "events", "state", "online"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def offer(self, device: str, desired: Desired | None) -> None:
        """Want something of a device, or nothing any more."""
        file = self.folder / "desired" / f"{device}.json"
        if desired is None:
            file.unlink(missing_ok=True)
            return
        beside = file.with_suffix(".new")
        beside.write_bytes(desired.pack())
        beside.replace(file)

    def desired(self, device: str) -> bytes | None:
        check_device(device)
        try:
            return (self.folder / "desired" / f"{device}.json").read_bytes()
        except FileNotFoundError:
            return None

    def offers(self) -> dict[str, bytes]:
        """Return what every device should run."""
        found = {file.stem: file.read_bytes() for file in self.folder.glob("desired/*.json")}
        return {name: data for name, data in found.items() if data}

    def take_events(self, device: str, events: Iterable[ReportEvent]) -> list[EventId]:
        """Store events that are new, and return all that are stored then."""
        check_device(device)
        file = self.folder / "events" / f"{device}.jsonl"
        with self._lock:
            known = {event.id for event in self.events(device)}
            found = []
            with file.open("ab") as stream:
                for event in events:
                    if event.id in known:
                        self.repeats += 1
                    else:
                        stream.write(canonical.encode(event.object()) + b"\n")
                        known.add(event.id)
                    found.append(event.id)
        return found

    def events(self, device: str) -> list[ReportEvent]:
        file = self.folder / "events" / f"{device}.jsonl"
        if not file.exists():
            return []
        lines = [json.loads(line) for line in file.read_bytes().splitlines()]
        return [ReportEvent(EventId(line.pop("boot_id"), line.pop("n")), **line) for line in lines]

    def take(self, what: str, device: str, message: bytes) -> None:
        """Store a state (`state`) or a birth or will (`online`)."""
        check_device(device)
        (self.folder / what / f"{device}.json").write_bytes(message)

    def state(self, device: str) -> Status | None:
        data = self._read("state", device)
        return Status.unpack(data) if data else None

    def online(self, device: str) -> bytes:
        return self._read("online", device)

    def _read(self, what: str, device: str) -> bytes:
        file = self.folder / what / f"{device}.json"
        return file.read_bytes() if file.exists() else b""
