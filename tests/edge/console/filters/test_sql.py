"""The predicate and SQL mean the same devices."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from edge.console.devices.states import NAMES
from edge.console.filters.complete import quoted
from edge.console.filters.fields import ATTRIBUTE, FIELDS, OPERATORS, SERVICE, Field, Kind
from edge.console.filters.match import matches
from edge.console.filters.parse import parse
from edge.console.filters.row import DeviceRow
from tests.fakes import filter_tables

NOW_S = 1_000_000
# Few values, so that many are equal, and letters that mean something to SQL or fold strangely.
WORDS = ("", "a", "A", "ab", "a b", "a%", "a_", "a\\", 'a"', "a'", "Ä", "ä", "K", "k", "a*", "null")
VERSIONS = ("", "1.2", "1.2.0", "1.10", "1.9", "1.2-rc1", "1.2-5", "2", "v2", "x")
AGES_S = (0, 1, 59, 60, 3600, 7200)
PATTERNS = ("*", "?", "a*", "*a", "a?", "*%", "a_", "A*B", "k", "*\\*", "ä", "")

words = st.sampled_from(WORDS)
sets = st.frozensets(words.filter(bool), max_size=3)
times = st.none() | st.sampled_from([NOW_S - age_s for age_s in (-5, *AGES_S)])
rows = st.builds(
    DeviceRow,
    id=st.just("x"),
    state=st.sampled_from(NAMES),
    board=words,
    product=words,
    version=st.sampled_from(VERSIONS),
    slot=st.sampled_from(("", "a", "b")),
    phase=words,
    reason=words,
    is_online=st.booleans(),
    seen_at_s=times,
    enrolled_at_s=times,
    tags=sets,
    groups=sets,
    lines=sets,
    stations=sets,
    orders=sets,
    services=st.dictionaries(
        st.sampled_from(("web", "db")), st.frozensets(st.sampled_from(VERSIONS), max_size=2)
    ),
    attributes=st.dictionaries(st.sampled_from(("site", "Site", "x.y")), words, max_size=2),
)


def _value(field: Field, sign: str) -> st.SearchStrategy[str]:
    return st.sampled_from(_values(field, sign.strip("!") or sign)).map(quoted)


@st.composite
def one_test(draw: st.DrawFn) -> str:
    field = draw(st.sampled_from([*FIELDS.values(), ATTRIBUTE, SERVICE]))
    attribute = draw(st.sampled_from(("site", "x.y")))
    name = f"attr.{attribute}" if field is ATTRIBUTE else _name(field)
    if draw(st.booleans()):
        listed = draw(st.lists(_value(field, "="), min_size=1, max_size=3))
        return f"{name} {draw(st.sampled_from(('in', 'not in')))} ({', '.join(listed)})"
    signs = [sign for one in OPERATORS[field.kind] for sign in _signs(one.value)]
    sign = draw(st.sampled_from(signs))
    return f"{name}{sign}{draw(_value(field, sign))}"


def _signs(sign: str) -> tuple[str, ...]:
    return (sign, f"!{sign}") if sign in ("=", "~") else (sign,)


def _joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(parts, st.sampled_from((" and ", " or ")), parts).map("".join)
    return two | parts.map(lambda one: f"({one})") | parts.map(lambda one: f"not ({one})")


filters = st.recursive(one_test(), _joined, max_leaves=6)


@given(st.lists(rows, max_size=8), st.lists(filters, min_size=1, max_size=4))
def test_predicate_and_sql_agree(devices: list[DeviceRow], texts: list[str]) -> None:
    named = [_named(row, f"d{number}") for number, row in enumerate(devices)]
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        filter_tables.fill(connection, named)
        for text in texts:
            term = parse(text)

            found = filter_tables.found(connection, term, now_s=NOW_S)

            meant = {row.id for row in named if matches(term, row, now_s=NOW_S)}
            assert found == meant, text
    engine.dispose()


def _values(field: Field, sign: str) -> Sequence[str]:
    if sign.endswith("~"):
        return PATTERNS
    match field.kind:
        case Kind.AGE:
            return ("never",) if sign == "=" else ("0s", "1m", "60m")
        case Kind.VERSION | Kind.SERVICE:
            return VERSIONS
        case _:
            return field.choices or WORDS


def _fleet() -> Iterator[DeviceRow]:
    """Yield devices that differ in one thing each."""

    def device(**said: Any) -> DeviceRow:
        return DeviceRow("x", **{"state": "pending", **said})

    yield from (device(state=state) for state in NAMES)
    for name in ("board", "product", "slot", "phase", "reason"):
        yield from (device(**{name: word}) for word in WORDS)
    yield from (device(version=version) for version in VERSIONS)
    for name in ("seen_at_s", "enrolled_at_s"):
        yield from (device(**{name: NOW_S - age_s}) for age_s in AGES_S)
    for name in ("tags", "groups", "lines", "stations", "orders"):
        yield from (device(**{name: frozenset({word, "b"})}) for word in WORDS if word)
    for name in ("site", "Site"):
        yield from (device(attributes={name: word}) for word in WORDS)
    for version in VERSIONS:
        yield device(services={"web": frozenset({version, "3"}), "db": frozenset({"1.2"})})
    yield device(services={"web": frozenset()})
    yield device(services={"db": frozenset({"1.2"})})
    yield device(is_online=True)


def _name(field: Field) -> str:
    return "service.web" if field is SERVICE else field.name


def test_each_test_of_each_field_means_the_same() -> None:
    devices = [_named(row, f"d{number}") for number, row in enumerate(_fleet())]
    tests = [
        f"{'attr.site' if field is ATTRIBUTE else _name(field)}{sign}{quoted(value)}"
        for field in (*FIELDS.values(), ATTRIBUTE, SERVICE)
        for operator in OPERATORS[field.kind]
        for sign in _signs(operator.value)
        for value in _values(field, operator.value)
    ]
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        filter_tables.fill(connection, devices)
        different = [
            text
            for text, term in ((text, parse(text)) for text in tests)
            if filter_tables.found(connection, term, now_s=NOW_S)
            != {row.id for row in devices if matches(term, row, now_s=NOW_S)}
        ]
    engine.dispose()

    assert len(tests) > 300
    assert different == []


def _named(row: DeviceRow, name: str) -> DeviceRow:
    return replace(row, id=name)


def test_an_empty_filter_is_all_devices() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        filter_tables.fill(connection, [DeviceRow("a"), DeviceRow("b")])

        assert filter_tables.found(connection, parse(" "), now_s=NOW_S) == {"a", "b"}
    engine.dispose()
