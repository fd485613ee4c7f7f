"""The `files:` of a service or a system, put into a tree."""

import os
from collections.abc import Mapping
from pathlib import Path

from edge.errors import InputError
from edge.oci.tree import Entry, Tree, file, folder, link, on_disk
from edge.system.content import tree_files
from edge.system.files import PackagedFile

NOBODY_NAMED: Mapping[str, int] = {}


def add_own_file(
    wanted: PackagedFile, base: Path, tree: Tree, *, uids: Mapping[str, int] = NOBODY_NAMED
) -> None:
    """Put a file, folder or link where it is wanted, in the place of what is there.

    A source that is a folder brings all in it: programs 0755 and other files 0644, unless a mode
    is written.

    Args:
        wanted: What `files` says.
        base: The folder where a relative source begins.
        tree: The tree to change.
        uids: The numbers behind names of services.

    Raises:
        InputError: The source is not there, or an owner is unknown.
        ConflictError: A file is wanted where a full folder is, or the other way round.
    """
    uid, gid = number(wanted.uid, uids), number(wanted.gid, uids)
    if wanted.source is None:
        tree.add(wanted.path, _without_source(wanted, uid, gid), override=True)
        return
    source = base / Path(wanted.source).expanduser()
    if not source.exists():
        hint = f"it is the source of {wanted.path}"
        raise InputError(f"{wanted.source} is not there", hint=hint)
    if source.is_dir():
        _add_folder(wanted, source, tree, uid=uid, gid=gid)
    else:
        entry = on_disk(source, mode=wanted.permissions, uid=uid, gid=gid)
        tree.add(wanted.path, entry, override=True)


def number(user: int | str, uids: Mapping[str, int]) -> int:
    """Return the number of a user that may be the name of a service.

    Raises:
        InputError: No service has this name.
    """
    if isinstance(user, int):
        return user
    if user not in uids:
        raise InputError(f"no service is called {user!r}, so it is no user", hint="write a number")
    return uids[user]


def _without_source(wanted: PackagedFile, uid: int, gid: int) -> Entry:
    if wanted.symlink is not None:
        return link(wanted.symlink, uid=uid, gid=gid)
    if wanted.directory:
        return folder(mode=wanted.permissions, uid=uid, gid=gid)
    contents = (wanted.contents or "").encode()
    return file(contents, mode=wanted.permissions, uid=uid, gid=gid)


def _add_folder(wanted: PackagedFile, source: Path, tree: Tree, *, uid: int, gid: int) -> None:
    tree.add(wanted.path, folder(uid=uid, gid=gid))
    for relative, path in tree_files(source):
        tree.add(f"{wanted.path}/{relative}", _found(wanted, path, uid, gid), override=True)


def _found(wanted: PackagedFile, path: Path, uid: int, gid: int) -> Entry:
    if path.is_symlink():
        return link(str(path.readlink()), uid=uid, gid=gid)
    usual = 0o755 if os.access(path, os.X_OK) else 0o644
    mode = usual if wanted.mode is None else wanted.permissions
    return on_disk(path, mode=mode, uid=uid, gid=gid)
