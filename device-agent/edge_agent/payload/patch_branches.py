"""ARM64 code: what calls and address loads of a copy become, guessed from those before them.

In an update most code is the same but for the distances to what moved. When one call of a function
has shown where that function went, the next calls of it are known. So a unit learns, from its
begin on: call targets (BL), pages (ADRP), and pages with the offset in the word that follows
(ADRP and ADD or LDR). A guess replaces the copied word; changes are added to the guess.

Source: Arm Architecture Reference Manual for A-profile, C6.2: BL, ADRP, ADD (immediate).
"""

from collections.abc import Sequence
from itertools import compress
from typing import Final

from edge_agent.payload import lanes
from edge_signing.formats.patch import CALLS, PAGES

LEARNED_MOST: Final = 1 << 14

_WORD: Final = 0xFFFF_FFFF
_CALL_TOP: Final = 0x25
_CALL_BITS: Final = 0x9400_0000
_CALL_TARGET: Final = 0x03FF_FFFF
_PAGE_MASK: Final = 0x9F00_0000
_PAGE_BITS: Final = 0x9000_0000
_PAGE_KEPT: Final = 0x9F00_001F
_PAGE_NUMBER: Final = 0x1F_FFFF
_OFFSET: Final = 0xFFF
_OFFSET_OUT: Final = _WORD ^ _OFFSET << 10
_CALLS: Final = bytes(top >> 2 == _CALL_TOP for top in range(256))
_PAGES: Final = bytes(top & 0x9F == _PAGE_BITS >> 24 for top in range(256))
_FIXED: Final = bytes(call | page for call, page in zip(_CALLS, _PAGES, strict=True))

# Not generic where Python 3.11 runs.
Words = memoryview
Copies = Sequence[tuple[int, int, int]]


def guess(
    copied: bytearray, other: bytearray, copies: Copies, flags: int, *, made: bool = False
) -> None:
    """Replace words of the copies in a unit by what they probably become.

    Args:
        copied: The unit with its copies in place; guesses are written here.
        other: As long; the changes that are added to it afterwards, or all bytes it shall become.
        copies: First and last word (exclusive) of each copy, and how many words the source is
            ahead; ascending.
        flags: `CALLS` and `PAGES`: what is guessed.
        made: Whether `other` is what the unit shall become.
    """
    whole = len(copied) // lanes.WORD_BYTES * lanes.WORD_BYTES
    words = memoryview(copied)[:whole].cast("I")
    others = memoryview(other)[:whole].cast("I")
    kept = 0 if made else _WORD
    tops = bytes(copied[3::4])
    if flags & CALLS:
        _guess_calls(words, others, tops.translate(_CALLS), copies, kept)
    if flags & PAGES:
        _guess_pages(words, others, tops.translate(_PAGES), copies, kept)


def words_of(copied: bytearray, kind: int) -> int:
    """Return how many words of a unit are guessed for a flag."""
    return sum(bytes(copied[3::4]).translate(_CALLS if kind == CALLS else _PAGES))


def _guess_calls(words: Words, others: Words, calls: bytes, copies: Copies, kept: int) -> None:
    """Guess the words that `calls` marks; `kept` masks what of a guess is in what it becomes."""
    known: dict[int, int] = {}
    for first, last, ahead in copies:
        for index in compress(range(first, last), calls[first:last]):
            word = words[index]
            target = word + index + ahead & _CALL_TARGET
            became = known.get(target)
            if became is not None:
                words[index] = word = _CALL_BITS | became - index & _CALL_TARGET
            word = (word & kept) + others[index] & _WORD
            if word >> 26 == _CALL_TOP and (became is not None or len(known) < LEARNED_MOST):
                known[target] = word + index & _CALL_TARGET


def _guess_pages(words: Words, others: Words, pages: bytes, copies: Copies, kept: int) -> None:
    """Guess the words that `pages` marks, with the word after each."""
    by_page: dict[int, int] = {}
    by_both: dict[int, int] = {}
    for first, last, ahead in copies:
        for index in compress(range(first, last), pages[first:last]):
            word, after = words[index], index + 1
            page = _page(word) + (index + ahead >> 10) & _PAGE_NUMBER
            new_page, both = by_page.get(page), -1
            if after < last and not _FIXED[words[after] >> 24]:
                both = page << 12 | words[after] >> 10 & _OFFSET
                became = by_both.get(both)
                if became is not None:
                    words[after] = words[after] & _OFFSET_OUT | (became & _OFFSET) << 10
                    new_page = became >> 12
            if new_page is not None:
                number = new_page - (index >> 10) & _PAGE_NUMBER
                words[index] = word = word & _PAGE_KEPT | (number & 3) << 29 | number >> 2 << 5
            word = (word & kept) + others[index] & _WORD
            if word & _PAGE_MASK == _PAGE_BITS:
                new_page = _page(word) + (index >> 10) & _PAGE_NUMBER
                _learn(by_page, page, new_page)
                if both >= 0:
                    word = (words[after] & kept) + others[after] & _WORD
                    _learn(by_both, both, new_page << 12 | word >> 10 & _OFFSET)


def _learn(known: dict[int, int], key: int, became: int) -> None:
    if key in known or len(known) < LEARNED_MOST:
        known[key] = became


def _page(word: int) -> int:
    """Return the 21 bits of an ADRP."""
    return word >> 3 & 0x1F_FFFC | word >> 29 & 3
