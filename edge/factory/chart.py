"""The figures of a line as a picture: SVG, readable without colours too."""

from datetime import UTC, datetime
from html import escape
from typing import Final

from edge.factory.report import Figures

_WIDTH: Final = 720
_BAR: Final = 22
_LEFT: Final = 150
_MOST_DAYS: Final = 31
_MOST_REASONS: Final = 8
_GOOD: Final = "#2e7d32"
_BAD: Final = "#b3261e"
_INK: Final = "#1d1b20"


def svg(figures: Figures, title: str) -> str:
    """Return a picture: yield of each step, what failed most, good and failed runs by day."""
    parts: list[str] = [_text(16, 28, title, size=18)]
    top = 56
    top = _steps(parts, figures, top)
    top = _reasons(parts, figures, top)
    top = _days(parts, figures, top)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}"'
        f' viewBox="0 0 {_WIDTH} {top}" font-family="sans-serif" fill="{_INK}">'
    )
    return "\n".join((head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>\n"))


def _steps(parts: list[str], figures: Figures, top: int) -> int:
    parts.append(_text(16, top, "yield of each step", size=14))
    for name, one in figures.steps.items():
        top += _BAR + 4
        total = one.passed + one.failed
        width = _WIDTH - _LEFT - 160
        good = round(width * one.passed / total) if total else 0
        parts.append(_text(16, top, name))
        parts.append(_bar(_LEFT, top, good, _GOOD))
        parts.append(_bar(_LEFT + good, top, width - good, _BAD))
        note = f"{one.percent:g} %, {one.failed} failed"
        parts.append(_text(_LEFT + width + 8, top, note))
    return top + 44


def _reasons(parts: list[str], figures: Figures, top: int) -> int:
    found = figures.reasons.most_common(_MOST_REASONS)
    if not found:
        return top
    parts.append(_text(16, top, "what failed most", size=14))
    most = found[0][1]
    for (step, reason), count in found:
        top += _BAR + 4
        width = max(round(200 * count / most), 2)
        parts.append(_text(16, top, step or "station"))
        parts.append(_bar(_LEFT, top, width, _BAD))
        parts.append(_text(_LEFT + 208, top, f"{count}  {reason[:60]}"))
    return top + 44


def _days(parts: list[str], figures: Figures, top: int) -> int:
    days = sorted(figures.days.items())[-_MOST_DAYS:]
    if not days:
        return top
    parts.append(_text(16, top, "runs by day: good below, failed above", size=14))
    most = max(good + bad for _day, (good, bad) in days)
    foot = top + 130
    for place, (day, (good, bad)) in enumerate(days):
        left = 16 + place * 22
        low, high = round(100 * good / most), round(100 * bad / most)
        parts.append(_box(left, foot - low, 18, low, _GOOD))
        parts.append(_box(left, foot - low - high, 18, high, _BAD))
        date = datetime.fromtimestamp(day * 86_400, UTC)
        parts.append(_text(left, foot + 14, f"{date:%d}", size=11))
    return foot + 32


def _bar(left: int, top: int, width: int, colour: str) -> str:
    return _box(left, top - _BAR + 6, width, _BAR, colour)


def _box(left: int, top: int, width: int, height: int, colour: str) -> str:
    return f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="{colour}"/>'


def _text(left: int, top: int, text: str, *, size: int = 13) -> str:
    return f'<text x="{left}" y="{top}" font-size="{size}">{escape(text)}</text>'
