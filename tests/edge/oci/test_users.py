import pytest

from edge.errors import InputError
from edge.oci.spec import User, own_uid
from edge.oci.users import users
from edge.system.settings import Settings


def clashing() -> tuple[str, str]:
    seen: dict[int, str] = {}
    for index in range(10_000):
        name = f"service-{index}"
        other = seen.setdefault(own_uid(name), name)
        if other != name:
            return other, name
    raise AssertionError("no two names with one number")


def test_each_container_has_a_user_of_its_own() -> None:
    found = users([("a", Settings()), ("b", Settings(uid=0)), ("c", Settings(uid=5, gid=6))])

    assert found.by_name == {
        "a": User(own_uid("a"), own_uid("a")),
        "b": User(0, 0),
        "c": User(5, 6),
    }
    assert found.uids == {"a": own_uid("a"), "b": 0, "c": 5}


def test_a_user_may_be_named_after_a_service() -> None:
    settings = Settings(uid="a", additional_gids=("b", 3))

    found = users([("a", Settings(uid=7, gid=8)), ("b", Settings()), ("c", settings)])

    assert found.by_name["c"] == User(7, 8, (own_uid("b"), 3))


def test_two_names_that_come_to_one_number_are_refused() -> None:
    first, second = clashing()

    with pytest.raises(InputError, match=f"{first} and {second} come to the same user") as at:
        users([(first, Settings()), (second, Settings())])

    assert "uid" in (at.value.hint or "")


def test_a_clash_ends_when_one_of_them_writes_a_number() -> None:
    first, second = clashing()

    found = users([(first, Settings(uid=9000)), (second, Settings())])

    assert found.uids[second] == own_uid(second)


def test_a_name_that_no_service_has_is_refused() -> None:
    with pytest.raises(InputError, match="no service is called 'ghost'"):
        users([("a", Settings(uid="ghost"))])


def test_an_onboot_item_and_a_service_with_one_name_share_their_user() -> None:
    found = users([("dhcp", Settings()), ("dhcp", Settings())])

    assert found.uids == {"dhcp": own_uid("dhcp")}
