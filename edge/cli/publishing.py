"""What becomes of a change of a repository: signed and published, or waiting."""

from pathlib import Path

from edge.cli import clock
from edge.keys.ring import Ring
from edge.keys.secrets import Secrets
from edge.release import signing
from edge.repository.repository import Repository


def settled(
    repository: Repository, ring: Ring, secrets: Secrets, *, sign: bool
) -> dict[str, object]:
    """Sign what waits with the keys that are here, publish it if that is enough."""
    if not sign:
        return {"published": False}
    missing = signing.sign_here(repository, ring, secrets)
    if missing:
        return {"published": False, "missing": missing}
    repository.publish(ring, now=clock.of_wall(), ask=secrets)
    return {"published": True}


def state_line(state: dict[str, object], folder: Path) -> str:
    """Return what became of a change, for people."""
    if state["published"]:
        return f"  published in {folder}"
    missing = state.get("missing")
    count = f"{missing} more to sign" if missing else "not signed yet"
    pending = folder / "pending"
    return f"  {count}: edge sign {pending} --key URI, then edge release publish --repo {folder}"
