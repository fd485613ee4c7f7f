import pytest

from edge.oci.select import Selection


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("usr/bin/tool", True),
        ("usr/share/doc", False),
        ("usr/share/doc/tool/copyright", False),
        ("usr/share/documents", True),
        ("usr/lib/aarch64-linux-gnu/libm.so.6", True),
        ("usr/lib/aarch64-linux-gnu/libm.a", False),
        ("usr/lib/aarch64-linux-gnu/gconv/UTF-16.so", False),
        ("etc/cron.daily/tool", False),
    ],
)
def test_the_defaults_leave_out_what_no_device_needs(path: str, kept: bool) -> None:
    assert Selection(exclude=(), include=()).keeps(path) is kept


@pytest.mark.parametrize(
    ("include", "path", "kept"),
    [
        pytest.param("usr/bin/b", "usr/bin/b", True, id="named"),
        pytest.param("/usr/bin/b", "usr/bin/b", True, id="with a slash"),
        pytest.param("usr/bin/b", "usr/bin/bb", False, id="another name"),
        pytest.param("usr/bin/s6-*", "usr/bin/s6-svscan", True, id="glob"),
        pytest.param("usr/lib/**", "usr/lib/x/gconv/A.so", False, id="broad: the default wins"),
        pytest.param("usr/lib/*/gconv", "usr/lib/x/gconv/A.so", True, id="as much said"),
        pytest.param("usr/share/doc/x", "usr/share/doc/x/y", True, id="more said"),
    ],
)
def test_an_include_wins_over_excludes(include: str, path: str, kept: bool) -> None:
    selection = Selection(exclude=["usr/bin/**"], include=[include])

    assert selection.keeps(path) is kept
