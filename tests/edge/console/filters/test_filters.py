"""What filters mean, and what is said of wrong ones."""

import pytest

from edge.console.filters.errors import FilterError
from edge.console.filters.match import matches
from edge.console.filters.parse import DEPTH_MOST, TESTS_MOST, parse
from edge.console.filters.row import DeviceRow
from edge.console.filters.tokens import TEXT_MOST

NOW_S = 1_000_000_000
HOUR_S = 3600
DEVICE = DeviceRow(
    "gw-7",
    state="accepted",
    board="rpi4",
    product="till",
    version="1.10.0",
    slot="a",
    is_online=True,
    seen_at_s=NOW_S - 5 * HOUR_S,
    tags=frozenset({"berlin", "canary"}),
    attributes={"site": "Hall 3"},
)
UNKNOWN = DeviceRow("gw-8", state="pending")


def _means(text: str, row: DeviceRow = DEVICE) -> bool:
    return matches(parse(text), row, now_s=NOW_S)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "board=rpi4",
        "BOARD=rpi4",
        "version>1.9",
        "version>=1.10 and version<=1.10",
        "version=1.10",
        "version>1.10-rc.3",
        "version in (1.2, 1.10.0)",
        "version~1.*",
        "tag:berlin",
        "tag=canary and tag:berlin",
        "tag~BER*",
        "tag!=munich",
        "tag not in (munich, bonn)",
        'attr.site="Hall 3"',
        "attr.site~hall?3",
        "attr.other!=x",
        "seen<6h",
        "seen>=5h",
        "not seen=never",
        "enrolled=never",
        "online",
        "online=yes AND NOT online=no",
        "not (board=rpi5 or board=vim3)",
        "board=rpi5 and online or slot=a",
        "slot=a or board=rpi5 and board=vim3",
        'id~"gw-*"',
        'reason=""',
    ],
)
def test_a_device_is_meant(text: str) -> None:
    assert _means(text)


@pytest.mark.parametrize(
    "text",
    [
        "board=RPI4",
        "board!=rpi4",
        "version<1.9",
        "version<1.10-rc.3",
        "version!=1.10.0",
        "tag:munich",
        "tag!~ber*",
        "attr.other=x",
        "attr.other~*",
        "seen<5h",
        "seen>1d",
        "not online",
        "(slot=a or board=rpi5) and board=vim3",
        "id~gw",
        "id=gw-7.",
    ],
)
def test_a_device_is_not_meant(text: str) -> None:
    assert not _means(text)


def test_what_is_not_known_has_no_place_in_an_order() -> None:
    assert not _means("version<9", UNKNOWN)
    assert not _means("version>0", UNKNOWN)
    assert _means('version="" and version!=1.0', UNKNOWN)


def test_what_was_never_heard_is_older_than_any_age() -> None:
    assert _means("seen>52w and seen=never", UNKNOWN)
    assert not _means("seen<52w", UNKNOWN)


@pytest.mark.parametrize(
    ("text", "place", "said", "hint"),
    [
        pytest.param("vershun<1.2", "1:1", "no field 'vershun'", "'version'", id="field"),
        pytest.param("tag:a and\n boart=x", "2:2", "no field 'boart'", "'board'", id="line"),
        pytest.param("state=acepted", "1:7", "never 'acepted'", "'accepted'", id="choice"),
        pytest.param("board<3", "1:6", "has no '<'", "= ~", id="operator"),
        pytest.param("seen<2", "1:6", "'2' is no age", "2d", id="age"),
        pytest.param("seen=2d", "1:6", "equal to 'never' only", "seen<2d", id="age equal"),
        pytest.param("online=maybe", "1:8", "yes or no", "", id="flag"),
        pytest.param("version=1.*", "1:9", "is a pattern", "version~1.*", id="pattern"),
        pytest.param("board", "1:6", "operator is missing", "", id="no operator"),
        pytest.param("board=", "1:7", "the end is not expected", "", id="no value"),
        pytest.param("board=a board=b", "1:9", "'board' is not expected", "", id="no join"),
        pytest.param("board=a and", "1:12", "the end is not expected", "", id="half join"),
        pytest.param("(board=a", "1:9", "the ( of column 1 is open", "", id="open"),
        pytest.param("board=a)", "1:8", "')' is not expected", "", id="closed"),
        pytest.param("tag in a", "1:8", "a list is", "", id="no list"),
        pytest.param("tag in (a b)", "1:11", "the list is open", "", id="open list"),
        pytest.param("tag in ()", "1:9", "a value is", "", id="empty list"),
        pytest.param("tag not a", "1:9", "'a' is not expected", "", id="not without in"),
        pytest.param('tag="a', "1:5", 'the other " is missing', "", id="quote"),
        pytest.param("tag=a;", "1:6", "';' means nothing", "quotes", id="letter"),
        pytest.param("attr.=x", "1:1", "can not name an attribute", "", id="attribute"),
        pytest.param("and=x", "1:1", "'and' is not expected", "", id="keyword"),
        pytest.param("id~" + "*a" * 17, "1:4", "more than 16 '*'", "", id="stars"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, place: str, said: str, hint: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)

    first, line, marks = str(caught.value).splitlines()
    assert first.startswith(f"{place}: ")
    assert said in first
    assert hint in (caught.value.hint or "")
    assert line.strip() == text.splitlines()[int(place[0]) - 1].strip()
    assert marks.index("^") == int(place.partition(":")[2]) + 1


def test_a_mark_is_as_long_as_the_word() -> None:
    with pytest.raises(FilterError) as caught:
        parse("tag:a and vershun<1")

    assert str(caught.value).splitlines()[2] == " " * 12 + "^" * 7


def test_a_filter_may_be_wide() -> None:
    assert _means(" and ".join(["(online)"] * (DEPTH_MOST + 1)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("not " * (DEPTH_MOST + 1) + "online", id="not"),
        pytest.param("(" * 5000 + "online", id="parentheses and length"),
        pytest.param("(" * (DEPTH_MOST + 1) + "online", id="parentheses"),
        pytest.param(" or ".join(["id=a"] * (TESTS_MOST + 1)), id="tests"),
        pytest.param(f"id={'a' * TEXT_MOST}", id="length"),
    ],
)
def test_a_filter_has_limits(text: str) -> None:
    with pytest.raises(FilterError, match="more than"):
        parse(text)
