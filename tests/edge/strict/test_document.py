"""Strict YAML: what is read, what is refused, and at which place."""

import string
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError, ProblemsError, ThingNotFoundError
from edge.strict.document import load, parse, read_text


def lines_of(text: str) -> list[str]:
    return [str(problem) for problem in parse(text, "f.yml").problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: 1", {"a": 1}, id="number"),
        pytest.param("a: 0x40400000", {"a": 0x40400000}, id="hexadecimal"),
        pytest.param("a: -7", {"a": -7}, id="negative"),
        pytest.param("a: 1.5", {"a": 1.5}, id="fraction"),
        pytest.param("a: true", {"a": True}, id="boolean"),
        pytest.param("a:", {"a": None}, id="nothing"),
        pytest.param("a: ~", {"a": None}, id="tilde"),
        pytest.param("a: 'no'", {"a": "no"}, id="quoted word"),
        pytest.param("a: '0755'", {"a": "0755"}, id="quoted octal"),
        pytest.param("a: 2026-01-02", {"a": "2026-01-02"}, id="a date is text"),
        pytest.param("a: 12:30:45", {"a": "12:30:45"}, id="a time is text"),
        pytest.param("a: 6.12.59", {"a": "6.12.59"}, id="a version is text"),
        pytest.param("a: y", {"a": "y"}, id="one letter is text"),
        pytest.param("a: |\n  x\n  y\n", {"a": "x\ny\n"}, id="block"),
        pytest.param("a: &x [1]\nb: *x", {"a": [1], "b": [1]}, id="anchor"),
        pytest.param("\ufeffa: 1", {"a": 1}, id="byte order mark"),
        pytest.param("binds.add: [a]", {"binds.add": ["a"]}, id="key with a dot"),
        pytest.param("a: [yes, Off]", {"a": ["yes", "Off"]}, id="words of YAML 1.1 are text"),
        pytest.param("on: 1", {"on": 1}, id="a word of YAML 1.1 as a key"),
        pytest.param("a: 18446744073709551615", {"a": 2**64 - 1}, id="the largest number"),
        pytest.param("a:\tb\t\nc: [1,\t2]\t# x", {"a": "b", "c": [1, 2]}, id="tabs"),
        pytest.param("%YAML 1.2\n---\na: 1\n...", {"a": 1}, id="directive and end"),
        pytest.param("a: !!str 1\nb: ! 2", {"a": "1", "b": "2"}, id="tags of text"),
        pytest.param(
            "a: !!int 1\nb: !!float 1\nc: !!bool true\nd: !!null ~",
            {"a": 1, "b": 1, "c": True, "d": None},
            id="tags of plain values",
        ),
        pytest.param("a: !!map {b: !!seq [1]}", {"a": {"b": [1]}}, id="tags of collections"),
        pytest.param("a: !!binary aGVsbG8=", {"a": "hello"}, id="base64"),
        pytest.param(
            "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}",
            {"x": {"a": 1, "b": 2}, "y": {"b": 3, "a": 1}},
            id="merge, own keys win",
        ),
        pytest.param(
            "y: {<<: [{a: 1}, {a: 2, b: 3}], c: 4}",
            {"y": {"c": 4, "a": 1, "b": 3}},
            id="merge of several, the first wins",
        ),
    ],
)
def test_plain_yaml_is_read(text: str, value: object) -> None:
    assert load(text, "f.yml").plain() == value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(
            "a: 1\nb:\n  c: 1\n  c: 2\n",
            "f.yml:4:3: b.c: the key 'c' is written twice, first in line 3",
            id="duplicate key",
        ),
        pytest.param(
            "mode: 0644",
            "f.yml:1:7: mode: '0644' is an octal number for some readers of YAML",
            id="octal of YAML 1.1",
        ),
        pytest.param(
            "mode: 0o644",
            "f.yml:1:7: mode: '0o644' is an octal number for some readers of YAML",
            id="octal of YAML 1.2",
        ),
        pytest.param(
            "a: 089",
            "f.yml:1:4: a: '089' is a number for some readers of YAML and text for others",
            id="leading zero",
        ),
        pytest.param(
            "a: 1_000",
            "f.yml:1:4: a: '1_000' is a number for some readers of YAML and text for others",
            id="underscore",
        ),
        pytest.param(
            "a: 0E0",
            "f.yml:1:4: a: '0E0' is a number for some readers of YAML and text for others",
            id="exponent without a sign",
        ),
        pytest.param(
            "a: .inf", "f.yml:1:4: a: '.inf' is no number that can be used", id="infinite"
        ),
        pytest.param(
            "a: 1.e+999", "f.yml:1:4: a: the number 1.e+999 is too large", id="fraction too large"
        ),
        pytest.param(
            "a: " + "9" * 5000,
            "f.yml:1:4: a: the number 99999999999999999999... is too large",
            id="number too large",
        ),
        pytest.param(
            "a:\n\tb: 1",
            "f.yml:2:1: a tab stands where only spaces may",
            id="tab",
        ),
        pytest.param(
            "a: b: c",
            "f.yml:1:5: a ':' that cannot stand here",
            id="two colons",
        ),
        pytest.param('a: "x', "f.yml:1:6: a quote is opened and not closed", id="open quote"),
        pytest.param(
            "a: @x",
            "f.yml:1:4: a text cannot begin with '@'",
            id="at sign",
        ),
        pytest.param("a: !x 1", "f.yml:1:4: a: the tag '!x' is not read", id="tag"),
        pytest.param("a: !!set {b}", "f.yml:1:4: a: the tag '!!set' is not read", id="rare tag"),
        pytest.param(
            "a: !!seq {b: 1}", "f.yml:1:4: a: the tag '!!seq' is not read", id="wrong tag"
        ),
        pytest.param(
            "a: !!int x", "f.yml:1:4: a: 'x' is not what the tag '!!int' says", id="untrue tag"
        ),
        pytest.param(
            "a: !!binary ////", "f.yml:1:4: a: this is not base64 of text in UTF-8", id="bytes"
        ),
        pytest.param(
            "a: {<<: 5}", "f.yml:1:9: a.<<: '<<' takes a mapping or a list of mappings", id="merge"
        ),
        pytest.param(
            "a: {<<: {b: 1}, <<: {c: 1}}", "f.yml:1:17: a: two keys '<<'", id="two merges"
        ),
        pytest.param("1: x", "f.yml:1:1: the key '1' is not text", id="number as a key"),
        pytest.param(
            "[a, b]: x",
            "f.yml:1:1: a key has to be one word, not a list or a mapping",
            id="list as a key",
        ),
        pytest.param(
            "a: *x", "f.yml:1:4: a: the alias *x has no anchor &x before it", id="no anchor"
        ),
        pytest.param(
            "a: &x [*x]",
            "f.yml:1:8: a[0]: the alias *x has no anchor &x before it",
            id="anchor inside itself",
        ),
        pytest.param("", "f.yml:1:1: the file is empty", id="empty"),
        pytest.param("# only a comment\n", "f.yml:1:1: the file is empty", id="comment"),
        pytest.param("a: 1\n---\nb: 1", "f.yml:2:1: a second document begins here", id="two"),
        pytest.param("%TAG ! tag:x,1:\n---\na: 1", "f.yml:1:1: %TAG is not read", id="directive"),
        pytest.param(
            'a: "\\ud800"',
            "f.yml:1:4: a: the text holds a character that no file can hold",
            id="lone surrogate",
        ),
        pytest.param(
            "a: \x07", "f.yml:1:4: the character U+0007 is not allowed in YAML", id="control"
        ),
        pytest.param(
            'a: "\\UFFFFFFFF"',
            "f.yml:1:1: a backslash or '%' with an impossible number after here",
            id="impossible escape",
        ),
        pytest.param("[" * 60, "f.yml:1:42: nested deeper than 40 levels", id="deep"),
        pytest.param(
            "a" * 1_100_000, "f.yml:1:1: the file has more than 1048576 characters", id="long"
        ),
    ],
)
def test_what_two_readers_could_read_in_two_ways_is_refused(text: str, line: str) -> None:
    assert lines_of(text) == [line]


def test_all_problems_are_found_at_once_in_the_order_of_the_lines() -> None:
    found = parse("a: 1_0\nb: 0755\na: 1\n", "f.yml").problems

    assert [problem.line for problem in found] == [1, 2, 3]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~", "--- # nothing\n..."])
def test_a_file_that_may_be_empty_has_no_keys(text: str) -> None:
    parsed = parse(text, "f.yml", may_be_empty=True)

    assert (parsed.root.plain(), parsed.problems) == ({}, ())


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    text = "a0: &a0 [1, 1]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )

    assert "more than 50000 values, aliases counted" in lines_of(text)[0]


def test_a_place_is_that_of_the_value_and_of_the_key() -> None:
    parsed = parse("a:\n  - b: 1\n", "f.yml")

    assert parsed.place(("a", 0, "b")) == (2, 8)
    assert parsed.place(("a", 0, "b"), key=True) == (2, 5)
    assert parsed.place(("a", 0, "c")) == (2, 5)


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_bytes(b"a: 1\nb: \xff\n")

    with pytest.raises(InputError, match=r"f\.yml:2: byte 0xff is not UTF-8"):
        read_text(file)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ThingNotFoundError, match="no such file"):
        read_text(tmp_path / "f.yml")


@given(st.text() | st.text(alphabet="abn0o1:-[]{}&*!|>'\"\\%@#?, \n\tx~<"))
def test_no_text_raises_anything_but_an_error_of_ours(text: str) -> None:
    with suppress(ProblemsError):
        load(text, "f.yml")

    found = parse(text, "f.yml").problems
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found)


_WORDS = st.text(alphabet=string.ascii_letters + string.digits + " _-:#'\"\n", max_size=20)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES)
def test_what_a_writer_of_yaml_quotes_comes_back(value: object) -> None:
    text = yaml.safe_dump({"value": value}, default_style='"' if isinstance(value, str) else None)

    parsed = parse(text, "f.yml")

    refused = [one.message for one in parsed.problems]
    assert all("readers of YAML" in one or "is not text" in one for one in refused)
    assert refused or parsed.root.plain() == {"value": value}
