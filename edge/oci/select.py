"""Which files of packages go into an image, by patterns.

A pattern is matched against the whole path without its first slash; `*` spans slashes. A pattern
that names a folder names all below it.
"""

import fnmatch
import re
from collections.abc import Sequence

DEFAULT_EXCLUDES = (
    # Papers: read on the host, listed in the SBOM.
    "usr/share/doc",
    "usr/share/doc-base",
    "usr/share/info",
    "usr/share/man",
    "usr/share/lintian",
    "usr/share/bug",
    "usr/share/locale",
    "usr/share/gtk-doc",
    # What only a person at a shell or a desktop uses.
    "usr/share/bash-completion",
    "usr/share/fish",
    "usr/share/zsh",
    "usr/share/applications",
    "usr/share/icons",
    "usr/share/pixmaps",
    "usr/share/menu",
    "usr/share/vim",
    # What only the package manager, another init or a compiler uses.
    "usr/share/debconf",
    "usr/share/debhelper",
    "usr/share/initramfs-tools",
    "usr/share/python3",
    "usr/share/gcc",
    "usr/share/gdb",
    "usr/share/apport",
    "usr/share/pkgconfig",
    "usr/lib/*/pkgconfig",
    "usr/lib/*.a",
    "usr/lib/*.la",
    "usr/include",
    "usr/lib/systemd",
    "usr/lib/udev",
    "usr/lib/sysusers.d",
    "usr/lib/tmpfiles.d",
    "usr/lib/valgrind",
    "etc/init.d",
    "etc/init",
    "etc/default",
    "etc/cron.*",
    "etc/logrotate.d",
    "etc/apparmor.d",
    "etc/kernel",
    "etc/bash_completion.d",
    # Parts of the C library for debugging, for Fortran and for name services of another time.
    "usr/lib/*/libBrokenLocale.so*",
    "usr/lib/*/libc_malloc_debug.so*",
    "usr/lib/*/libmemusage.so*",
    "usr/lib/*/libmvec.so*",
    "usr/lib/*/libnsl.so*",
    "usr/lib/*/libnss_compat.so*",
    "usr/lib/*/libnss_hesiod.so*",
    "usr/lib/*/libpcprofile.so*",
    "usr/lib/*/libthread_db.so*",
    # Character sets other than those that libc knows by itself.
    "usr/lib/*/gconv",
)


class Selection:
    """What is kept of packages: all, less what is excluded, with what is included.

    An include wins over every exclude of the service. It wins over one of `DEFAULT_EXCLUDES` only
    if it says as much or more (counted in characters that are no wildcard): `usr/lib/**` does not
    bring the character sets of libc, `usr/lib/*/gconv/UTF-16.so` does.
    """

    def __init__(self, *, exclude: Sequence[str], include: Sequence[str]) -> None:
        self._defaults = [_Pattern(pattern) for pattern in DEFAULT_EXCLUDES]
        self._exclude = [_Pattern(pattern) for pattern in exclude]
        self._include = [_Pattern(pattern) for pattern in include]

    def keeps(self, path: str) -> bool:
        """Say whether this path is kept."""
        included = _most_said(self._include, path)
        by_default = _most_said(self._defaults, path)
        if by_default is not None and (included is None or included < by_default):
            return False
        return included is not None or _most_said(self._exclude, path) is None


class _Pattern:
    """One glob; it also names all below what it names."""

    def __init__(self, pattern: str) -> None:
        plain = pattern.strip("/")
        self.said = len(re.sub(r"[*?]", "", plain))
        self._regex = re.compile(fnmatch.translate(plain) + "|" + fnmatch.translate(f"{plain}/*"))

    def match(self, path: str) -> bool:
        return self._regex.match(path) is not None


def _most_said(patterns: Sequence[_Pattern], path: str) -> int | None:
    return max((pattern.said for pattern in patterns if pattern.match(path)), default=None)
