"""Campaigns as text for people."""

from typing import Any, Final

from edge.cli.table import human, table

_BAR: Final = 24
# From the left of a bar to its right, with the sign of each.
_SIGNS: Final = (
    ("succeeded", "█"), ("present", "█"), ("soaking", "▓"), ("updating", "▒"), ("between", "▒"),
    ("held", "▒"), ("offered", "░"), ("reverting", "<"), ("half-back", "<"),
    ("reverted", "<"), ("failed", "x"), ("silent", "x"), ("stranded", "x"), ("refused", "-"),
    ("cancelled", "-"), ("overtaken", "-"), ("gone", "-"),
)  # fmt: skip


def campaign(one: dict[str, Any]) -> str:
    """Return how a campaign stands."""
    lines = [
        f"{one['campaign']}  {one['name']}  release {releases(one)}  {one['state']}",
        *([f"  {one['reason']}"] if one["reason"] else []),
        *table(
            ("wave", "size", "devices", "", "succeeded", "failed", "stops at"),
            [_wave(wave) for wave in one["wave_views"]],
            right={2, 4, 5},
        ),
        "  ".join(f"{count} {state}" for state, count in sorted(one["counts"].items())),
    ]
    if one["evidence"]:
        found = one["evidence"]
        stop = f"; {found['stops_at']} failures would stop it" if one["is_live"] else ""
        lines.append(f"all waves: {found['failures']} failed, {found['good']} well{stop}")
    if one["within"] is not None:
        lines.append(f"bound to devices of {', '.join(one['within']) or 'no group'}")
    if one["is_part"]:
        least = ", and not all were counted" if one["is_least"] else ""
        lines.append(f"all figures are of devices that you reach{least}")
    if one["plan"]["approvals"]:
        people = ", ".join(one["approved_by"]) or "nobody yet"
        lines.append(f"approved by {people}, {one['plan']['approvals']} are wanted")
    if one["acts"]:
        lines.append(f"next: edge campaign {' | '.join(one['acts'])} {one['campaign']}")
    return "\n".join(lines)


def releases(one: dict[str, Any]) -> str:
    """Return what a campaign brings: its release, or all of a set."""
    return " + ".join([one["version"], *one["also"]])


def bar(counts: dict[str, int], total: int, width: int = _BAR) -> str:
    """Return devices by state as a bar."""
    if not total:
        return "·" * width
    text, seen = "", 0
    for state, sign in _SIGNS:
        seen += counts.get(state, 0)
        # A few of many are seen too.
        upto = min(width, max(-(-seen * width // total), len(text) + (counts.get(state, 0) > 0)))
        text += sign * (upto - len(text))
    return text[:width].ljust(width, "·")


def preview(one: dict[str, Any]) -> str:
    """Return what a campaign would do."""
    rows = [
        (
            str(number),
            str(wave["devices"]),
            human(wave["planned_bytes"]),
            duration(wave["duration_s"]),
            ", ".join(wave["first"][:4]) + (" …" if wave["devices"] > 4 else ""),
        )
        for number, wave in enumerate(one["waves"], 1)
    ]
    lines = [
        f"{one['devices']} devices, {human(one['planned_bytes'])}"
        f" ({one['patched']} by patch, {one['full']} whole),"
        f" {duration(one['duration_s'])} at least",
        *table(("wave", "devices", "bytes", "time", "first"), rows, right={0, 1, 2, 3}),
        f"{one['reverting']} of {one['devices']} can go back by themselves",
    ]
    if one["several"]:
        lines.append(f"{one['several']} take several releases, one after the other")
    if one["steps"]:
        lines.append(f"{one['steps']} take another release first")
    if one["unseen"]:
        lines.append(f"{one['unseen']} were not seen lately: they wait until they call")
    for name, title in (("left_out", "take no part"), ("refused", "would be refused")):
        lines += [
            f"{each['devices']} {title}: {each['reason']} ({', '.join(each['examples'])})"
            for each in one[name]
        ]
    for each in one["conflicts"]:
        order = "goes first" if each["goes_first"] else "waits for this one"
        lines.append(
            f"{each['devices']} are also in {each['campaign']} ({each['name']}), which {order}"
        )
    lines.append("a release that is bad on some devices would reach:")
    lines += table(
        ("bad on", "half of all cases", "19 of 20", "stopped", "in wave 1"),
        [_exposure(each) for each in one["exposures"]],
        right={0, 1, 2, 3, 4},
    )
    return "\n".join([*lines, f"--seed {one['seed']} makes the campaign with these devices"])


def trip(one: dict[str, Any] | None) -> str:
    """Return what was seen when a rule stopped a campaign; empty if it is about something else."""
    if one is None:
        return ""
    where = f"of wave {one['wave']}" if one["wave"] else "of all waves"
    return (
        f"{one['failures']} failed of {one['ended']} {where} that had ended,"
        f" {one['reached']} had been ordered; {one['act']}"
    )


def duration(time_s: int) -> str:
    """Return a time in the unit that suits it."""
    for unit, length_s in (("d", 86_400), ("h", 3600), ("min", 60)):
        if time_s >= length_s:
            return f"{time_s / length_s:.1f} {unit}"
    return f"{time_s} s"


def _wave(one: dict[str, Any]) -> tuple[str, ...]:
    gauge = one["gauge"]
    limits = []
    if gauge["count"] is not None:
        limits.append(str(gauge["count"]))
    if gauge["percent"] is not None:
        limits.append(f"{gauge['percent']}% of {gauge['sample']} or more")
    return (
        f"{one['number']}{'' if one['is_open'] else ' (waits)'}",
        one["size"],
        str(one["devices"]),
        bar(one["counts"], one["devices"]),
        f"{one['succeeded']} of {one['success_percent']}%",
        str(gauge["failures"]),
        " or ".join(limits) or "never",
    )


def _exposure(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{one['defect_permille'] / 10:g}%",
        str(one["median"]),
        str(one["most"]),
        f"{one['stopped_percent']}%",
        f"{one['first_wave_percent']}%",
    )
