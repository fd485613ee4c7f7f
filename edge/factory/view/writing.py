"""Text in cells of a terminal: exactly as wide as asked, large letters, bars. Pure."""

from typing import Final

from rich.cells import cell_len, set_cell_size

from edge.factory.labels import font

BIG_ROWS: Final = font.HEIGHT // 2
_HALVES: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
_PARTS: Final = " ▏▎▍▌▋▊▉"


def cleaned(text: str) -> str:
    """Return a text without what moves the cursor: a board may say anything of itself."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def cells(text: str) -> int:
    """Return how many cells a text takes."""
    return cell_len(cleaned(text))


def fitted(text: str, width: int) -> str:
    """Return a text in exactly so many cells; what is too long ends with an ellipsis."""
    plain = cleaned(text)
    if cell_len(plain) > width > 0:
        plain = f"{set_cell_size(plain, width - 1)}…"
    return set_cell_size(plain, max(width, 0))


def centred(text: str, width: int) -> str:
    """Return a text in the middle of so many cells."""
    short = fitted(text, min(cells(text), width)).rstrip()
    return set_cell_size(f"{' ' * ((width - cell_len(short)) // 2)}{short}", width)


def wrapped(text: str, width: int, rows: int) -> list[str]:
    """Return a text on at most so many lines; of what is too long the rest is left out."""
    lines, line = [], ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if cells(joined) > width and line:
            lines.append(line)
            joined = word
        line = joined
    lines += [line] if line else []
    if len(lines) > rows > 0:
        lines = [*lines[: rows - 1], " ".join(lines[rows - 1 :])]
    return [fitted(one, width) for one in lines[:rows]]


def big_width(text: str) -> int:
    """Return how many cells a text takes in large letters."""
    return len(text) * (font.WIDTH + 1) - 1


def big(text: str, width: int) -> list[str]:
    """Return a text in large letters in the middle of so many cells: four lines."""
    lines = []
    for row in range(0, font.HEIGHT, 2):
        dots = "".join(
            _HALVES[font.is_dark(letter, row, column), font.is_dark(letter, row + 1, column)]
            for letter in text
            for column in range(font.WIDTH + 1)
        )
        dots = dots[:-1]
        lines.append(f"{' ' * ((width - len(dots)) // 2)}{dots}".ljust(width))
    return lines


def bar(percent: int, width: int) -> str:
    """Return a bar that is so full, to an eighth of a cell."""
    eighths = max(0, min(percent, 100)) * width * 8 // 100
    full, part = divmod(eighths, 8)
    rest = _PARTS[part] if part else ""
    return f"{'█' * full}{rest}".ljust(width, "░")
