import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from edge.oci.modinfo import decompress, modinfo, parse
from edge.oci.modules import Kernel, modules_tree
from edge.oci.store import Store
from edge.oci.tree import Tree, file
from tests.fakes.kernel_module import module

FOLDER = "usr/lib/modules/6.12-test"


def kernel(store: Store, builtin: str = "", **modules: bytes) -> Kernel:
    tree = Tree()
    tree.add("boot/vmlinuz-6.12-test", file(b"kernel"))
    tree.add(f"{FOLDER}/modules.builtin", file(builtin.encode()))
    for name, data in modules.items():
        place = f"{FOLDER}/kernel/drivers/{name.replace('_', '-')}.ko.xz"
        tree.add(place, file(lzma.compress(data)))
    return Kernel(tree, store)


def order(kernel: Kernel, *names: str) -> list[str]:
    return [module.name for module in kernel.closure(names)]


def test_modules_come_after_all_that_they_need(store: Store) -> None:
    found = kernel(
        store,
        dm_mod=module(depends=""),
        dm_bufio=module(depends="dm-mod"),
        reed_solomon=module(depends=""),
        dm_verity=module(depends="dm-mod,reed_solomon,dm-bufio"),
    )

    assert order(found, "dm-verity") == ["dm_mod", "reed_solomon", "dm_bufio", "dm_verity"]
    assert order(found, "dm_mod", "dm_verity", "dm-mod")[0] == "dm_mod"


def test_a_soft_dependency_is_found_by_its_alias(store: Store) -> None:
    found = kernel(
        store,
        libcrc32c=module(depends="", softdep="pre: crc32c"),
        crc32c_generic=module(alias=["crypto-crc32c-generic", "crypto-crc32c", "crc32c"]),
        crc32c_other=module(alias="something"),
        erofs=module(depends="libcrc32c"),
    )

    assert order(found, "erofs") == ["crc32c_generic", "libcrc32c", "erofs"]


def test_a_soft_dependency_that_is_nowhere_is_left_out(store: Store) -> None:
    found = kernel(
        store, a=module(softdep=["pre: ghost b", "post: c ghost"]), b=module(), c=module()
    )

    assert order(found, "a") == ["b", "a", "c"]


def test_builtin_modules_need_no_file(store: Store) -> None:
    found = kernel(
        store, "kernel/fs/ext4/ext4.ko\nkernel/x/dm-mod.ko\n", a=module(depends="dm_mod")
    )

    assert order(found, "a", "ext4", "dm-mod") == ["a"]


def test_a_circle_of_soft_dependencies_ends(store: Store) -> None:
    found = kernel(store, a=module(softdep="pre: b"), b=module(softdep="pre: a"))

    assert order(found, "a") == ["b", "a"]


@pytest.mark.parametrize(
    ("wanted", "said", "hint"),
    [
        pytest.param(
            "virtio-nett", "kernel 6.12-test has no module 'virtio_nett'", "virtio_net", id="asked"
        ),
        pytest.param("b", "has no module 'ghost', which b needs", None, id="needed"),
    ],
)
def test_a_module_that_is_nowhere_is_an_error(
    store: Store, wanted: str, said: str, hint: str | None
) -> None:
    found = kernel(store, virtio_net=module(), b=module(depends="ghost"))

    with pytest.raises(InputError, match=said) as at:
        found.closure([wanted])

    assert (hint or "") in (at.value.hint or "")


def test_modules_are_unpacked_and_listed_in_load_order(store: Store) -> None:
    found = kernel(store, a=module(depends="b_c"), b_c=module(depends=""))

    tree = modules_tree(found.closure(["a"]))

    assert [path for path, _ in tree][-3:] == [
        "usr/lib/modules/edge/a.ko",
        "usr/lib/modules/edge/b_c.ko",
        "usr/lib/modules/edge/order",
    ]
    assert tree.get("usr/lib/modules/edge/order") == file(b"b_c.ko\na.ko\n")
    entry = tree.get("usr/lib/modules/edge/a.ko")
    assert entry is not None
    assert entry.read() == module(depends="b_c")


def test_the_kernel_itself_is_found(store: Store) -> None:
    assert kernel(store).image().read() == b"kernel"


def test_a_package_without_a_kernel_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="no kernel package"):
        Kernel(Tree(), store)


@pytest.mark.parametrize("data", [b"", b"\x7fELF", module(depends="")[:80], b"\0" * 200])
def test_what_is_no_module_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="not a kernel module"):
        modinfo(data)


@given(st.integers(0, len(module(depends="a", alias="b")) - 1), st.integers(1, 255))
def test_a_flipped_byte_gives_an_error_or_a_value_never_more(place: int, flip: int) -> None:
    data = bytearray(module(depends="a", alias="b"))
    data[place] ^= flip

    try:
        modinfo(bytes(data))
    except InputError:
        return


def test_damaged_or_unknown_compression_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\.ko\.xz"):
        decompress("a.ko.xz", b"rubbish")
    with pytest.raises(InputError, match="not supported"):
        decompress("a.ko.lz4", b"")
    assert decompress("a.ko", b"plain") == b"plain"


def test_keys_may_come_many_times() -> None:
    assert parse(b"alias=a\0alias=b=c\0rubbish\0") == {"alias": ("a", "b=c")}
