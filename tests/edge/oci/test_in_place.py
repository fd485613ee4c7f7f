"""Services that are updated in place: what the root and their images hold, and what is refused."""

import json

import pytest

from edge.errors import InputError
from edge.oci import in_place
from edge.oci.assemble import Container, assemble
from edge.oci.tree import Entry, Tree, file
from tests.edge.oci.test_assemble import INIT, RELEASE, service, text_of

AGENT = service("agent", {}, "{command: [/a], devices: [{path: /dev/edge/request, type: p}]}")
SETTINGS = "{command: [/x, one], update: in-place, env: [A=1]}"


def root_of(*containers: Container) -> Tree:
    return assemble(containers, [INIT], RELEASE).tree


def web(content: bytes = b"web", settings: str = SETTINGS) -> Container:
    return service("web", {"bin/web": file(content, mode=0o755)}, settings)


def contents(tree: Tree) -> dict[str, Entry]:
    return dict(tree)


def test_the_image_holds_the_files_and_what_they_run_by() -> None:
    root = root_of(AGENT, web())

    image = in_place.image_tree(root, "web")

    place = "containers/services/web"
    assert image.get("conf") == root.get("etc/edge/services/web/conf")
    assert image.get("config.json") == root.get(f"{place}/config.json")
    assert {f"{place}/{path}" for path in contents(image) if path.startswith("rootfs/")} == {
        path for path in contents(root) if path.startswith(f"{place}/rootfs/")
    }


def test_of_a_root_that_can_be_written_the_image_has_the_lower_layer() -> None:
    root = root_of(AGENT, web(settings="{command: [/x], update: in-place, readonly: false}"))

    image = in_place.image_tree(root, "web")

    assert text_of(image, "rootfs/bin/web") == "web"
    assert image.get("tmp") is None


def test_the_settings_are_one_word_a_line_as_init_compares_them() -> None:
    lines = text_of(root_of(AGENT, web()), "containers/services/web/config.json").splitlines()

    start = lines.index('  "args": [')
    assert lines[start : start + 4] == ['  "args": [', '   "/x",', '   "one"', "  ],"]
    assert ' "process": {' in lines
    assert any(line.startswith('  "cwd": "') for line in lines)


def test_the_root_names_each_with_what_its_own_version_is() -> None:
    same, other = root_of(AGENT, web()), root_of(AGENT, web(b"other"))

    assert in_place.digests(same) == {"web": in_place.digest(in_place.image_tree(same, "web"))}
    assert text_of(same, in_place.LIST) == text_of(root_of(AGENT, web()), in_place.LIST)
    assert text_of(same, in_place.LIST) != text_of(other, in_place.LIST)
    assert "UPDATE='in-place'\n" in text_of(same, "etc/edge/services/web/conf")


def test_a_system_without_any_is_as_it_was() -> None:
    root = root_of(AGENT, service("web", {}))

    assert in_place.digests(root) == {}
    assert root.get(in_place.LIST) is None
    assert "UPDATE" not in text_of(root, "etc/edge/services/web/conf")
    config = text_of(root, "containers/services/web/config.json")
    assert config == json.dumps(json.loads(config), sort_keys=True, separators=(",", ":")) + "\n"


@pytest.mark.parametrize(
    ("containers", "reason"),
    [
        pytest.param([web()], "web: update: in-place needs a service that does it", id="no agent"),
        pytest.param(
            [
                service(
                    "own",
                    {},
                    "{command: [/a], update: in-place,"
                    " devices: [{path: /dev/edge/request, type: p}]}",
                )
            ],
            "own: update: what updates others is not updated in place",
            id="the agent itself",
        ),
        pytest.param(
            [AGENT, *(service(f"s{number}", {}, SETTINGS) for number in range(65))],
            "services: 65 are updated in place: at most 64 can be",
            id="too many to be told",
        ),
    ],
)
def test_what_can_not_be_done_is_refused(containers: list[Container], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        root_of(*containers)
