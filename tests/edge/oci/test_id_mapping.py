from itertools import pairwise

import pytest

from edge.errors import InputError
from edge.oci.id_mapping import FIRST, RANGE, mapped, reown
from edge.oci.spec import User, own_uid
from edge.oci.tree import Tree, file, folder
from edge.oci.users import users
from edge.strict.model import load_model
from edge.system.settings import Settings

NEW = "command: [/x]\nuserns: new\n"


def settings(text: str) -> Settings:
    return load_model(Settings, text, "test.yml")


def held(**texts: str) -> dict[str, tuple[Settings, User]]:
    named = [(name, settings(text)) for name, text in texts.items()]
    found = mapped(named, users(named).by_name)
    return {
        name: (one.settings, one.on_device) for (name, _), one in zip(named, found, strict=True)
    }


def rows(one: Settings) -> list[tuple[int, int, int]]:
    return [(row.container_id, row.host_id, row.size) for row in one.uid_mappings]


def test_root_inside_is_the_own_number_of_the_service_outside() -> None:
    found, on_device = held(web=f"{NEW}uid: 0\ngid: 0\n")["web"]

    first = rows(found)[1][1] - 1
    assert rows(found) == [(0, own_uid("web"), 1), (1, first + 1, RANGE - 1)]
    assert first >= FIRST
    assert first % RANGE == 0
    assert found.gid_mappings == found.uid_mappings
    assert on_device == User(own_uid("web"), own_uid("web"))


def test_who_names_no_user_keeps_its_number_and_so_its_data() -> None:
    found, on_device = held(web=NEW)["web"]

    assert on_device == User(own_uid("web"), own_uid("web"))
    assert (own_uid("web"), own_uid("web"), 1) in rows(found)
    assert sum(size for _, _, size in rows(found)) == RANGE


def test_no_number_of_the_device_is_in_two_containers_or_is_that_of_root() -> None:
    found = held(web=f"{NEW}uid: 0", shop=f"{NEW}uid: 999", log=NEW, plain="command: [/x]")

    outside = [(host, host + size) for name in found for _, host, size in rows(found[name][0])]
    outside.sort()
    assert outside[0][0] >= 10_000
    assert outside[-1][1] <= 2**32 - 1
    assert all(end <= start for (_, end), (start, _) in pairwise(outside))


def test_mappings_that_were_written_stay_and_tell_the_owner_on_the_device() -> None:
    one = "[{containerID: 0, hostID: 100000, size: 100}]"

    found, on_device = held(web=f"{NEW}uid: 7\nuidMappings: {one}\ngidMappings: {one}\n")["web"]

    assert rows(found) == [(0, 100000, 100)]
    assert on_device == User(100007, 100007)


def test_without_a_user_namespace_nothing_is_mapped() -> None:
    found, on_device = held(web="command: [/x]\nuid: 0\n")["web"]

    assert (rows(found), on_device) == ([], User(0, 0))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("additionalGids: [5]", "groups of others"),
        ("readonly: false", "its root can not be written"),
        ("uid: 70000", "70000 is not in its users"),
    ],
)
def test_what_does_not_go_with_it_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=f"web: userns: new: .*{said}") as at:
        held(web=f"{NEW}{text}\n")

    assert at.value.hint


def test_a_number_that_somebody_has_is_no_ones_own_besides() -> None:
    with pytest.raises(InputError, match="web and other come to the same users"):
        held(web=f"{NEW}uid: 0", other=f"command: [/x]\nuid: {own_uid('web')}\n")


def test_files_that_only_their_owner_may_use_get_who_stands_for_him() -> None:
    tree = Tree()
    tree.add("etc/open", file(b"x"))
    tree.add("etc/closed", file(b"x", mode=0o600))
    tree.add("root", folder(mode=0o700))
    tree.add("home/web", file(b"x", uid=9, gid=9))
    found, _ = held(web=f"{NEW}uid: 0")["web"]
    own, first = own_uid("web"), rows(found)[1][1] - 1

    reown(tree, found)

    owners = {path: (entry.uid, entry.gid) for path, entry in tree}
    assert owners == {
        **{"etc": (0, 0), "etc/open": (0, 0), "home": (0, 0)},
        **{"etc/closed": (own, own), "root": (own, own), "home/web": (first + 9, first + 9)},
    }


def test_files_of_others_stay_as_they_are() -> None:
    tree = Tree()
    tree.add("closed", file(b"x", mode=0o600, uid=3))

    reown(tree, settings("command: [/x]"))

    assert tree.get("closed") == file(b"x", mode=0o600, uid=3)
