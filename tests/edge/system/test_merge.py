"""Settings over settings."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.system.merge import merge_settings
from edge.system.model import Item
from edge.system.order import circles, start_order
from edge.system.settings import Restart, Settings


def test_a_written_default_overrides_and_an_unwritten_one_does_not() -> None:
    base = Settings(restart=Restart.NO, readonly=False)

    merged = merge_settings(base, Settings(restart=Restart.ALWAYS))

    assert merged.restart is Restart.ALWAYS
    assert merged.readonly is False
    assert merged.model_fields_set == {"restart", "readonly"}


def test_add_appends_without_doubles_and_leaves_no_add() -> None:
    base = Settings(capabilities=("KILL",), capabilities_add=("CHOWN",))
    over = Settings(capabilities_add=("KILL", "NET_RAW"))

    merged = merge_settings(base, over)

    assert merged.capabilities == ("CAP_KILL", "CAP_CHOWN", "CAP_NET_RAW")
    assert merged.capabilities_add == ()
    assert merged.model_fields_set == {"capabilities"}


def test_a_new_list_replaces_and_add_goes_on_top() -> None:
    base = Settings(binds=("/a:/a",))

    merged = merge_settings(base, Settings(binds=("/b:/b",), binds_add=("/c:/c",)))

    assert merged.binds == ("/b:/b", "/c:/c")


def test_all_swallows_and_none_gives_way() -> None:
    every = merge_settings(Settings(capabilities=("all",)), Settings(capabilities_add=("KILL",)))
    some = merge_settings(Settings(capabilities=("none",)), Settings(capabilities_add=("KILL",)))

    assert every.capabilities == ("all",)
    assert some.capabilities == ("CAP_KILL",)


def test_an_item_gives_only_its_settings() -> None:
    merged = merge_settings(Settings(), Item(name="a", service="a", cwd="/x"))

    assert type(merged) is Settings
    assert merged.model_fields_set == {"cwd"}


_NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(_NAMES, st.lists(_NAMES, max_size=3)))
def test_an_order_holds_all_names_and_is_right_where_there_is_no_circle(
    needs: dict[str, list[str]],
) -> None:
    order = start_order(needs)

    assert sorted(order) == sorted(needs)
    if not circles(needs):
        for name, wanted in needs.items():
            assert all(order.index(need) < order.index(name) for need in wanted if need in needs)


@given(st.dictionaries(_NAMES, st.lists(_NAMES, max_size=3)))
def test_a_circle_goes_along_needs_and_ends_where_it_began(needs: dict[str, list[str]]) -> None:
    for circle in circles(needs):
        assert circle[0] == circle[-1]
        assert all(b in needs[a] for a, b in pairwise(circle))
