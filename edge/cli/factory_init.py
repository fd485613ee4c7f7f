"""`edge factory init`: a folder for a new line, and its authority."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge import atomic
from edge.cli import ask, clock
from edge.cli.output import Output
from edge.errors import RefusedError

if TYPE_CHECKING:
    from edge.factory.line import Line

PASSPHRASE = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file of mode 0600 with the passphrase or PIN of the factory's key.",
)
_TEXT: Final = """\
# A production line; docs/factory.md has all keys.
line: {name}
product: {product}
board: {board}

# A build folder, an image or a URL; a path counts from this folder.
image: {image}

# Ids are handed out to the stations: edge factory station add.
ids: {{range: {ids}}}

# What the devices trust their server by.
server_ca: ca/server.crt

# Labels: file:FOLDER, lp:QUEUE or tcp:HOST.
printer: file:labels

# own steps: {{step: modem, run: [./test-modem], on_failure: ask}}
steps:
- {{step: detect}}
- {{step: identity}}
- {{step: customise}}
- {{step: flash, timeout_s: 1800, retries: 1}}
- {{step: verify, timeout_s: 1800}}
- {{step: register}}
- {{step: label, on_failure: ask}}
"""


@click.command()
@click.argument("line", type=click.Path(path_type=Path, file_okay=False))
@click.option("-b", "--board", required=True, help="The kind of hardware.")
@click.option("--product", required=True, help="What is made: the product of its releases.")
@click.option(
    "--ca", "key", required=True, metavar="URI", help="The factory's key: file:PATH or pkcs11:…"
)
@click.option("--ids", metavar="FIRST..LAST", help="The ids, else PRODUCT-000001..PRODUCT-999999.")
@click.option("--image", default="../out", show_default=True, help="What is flashed.")
@click.option("--name", help="Of the line, else that of the folder.")
@PASSPHRASE
@click.pass_obj
def init(
    output: Output,
    *,
    line: Path,
    board: str,
    product: str,
    key: str,
    ids: str | None,
    image: str,
    name: str | None,
    passphrase_file: Path | None,
) -> None:
    r"""Set up the folder LINE: its line.yml, and the factory's authority with the key at --ca.

    The key is made if it is not there. It stays outside of LINE and is needed to add a station,
    not to make devices.

    \b
    Examples:
      edge factory init line/ --board rpi4 --product gateway --ca file:factory-ca.key
      edge factory init line/ --board rpi4 --product gateway --ids gw-000001..gw-500000 \
          --ca 'pkcs11:token=factory;object=ca?pin-source=/run/pin'
    """
    from edge.board import search
    from edge.factory import line as lines
    from edge.factory.identity import authority
    from edge.strict.model import load_model

    file = line / lines.FILE
    if file.exists():
        raise RefusedError(f"{file}: there is a line already", hint="name another folder")
    search.find(board)
    name = name or line.resolve().name.lower()
    ids = ids or f"{product}-000001..{product}-999999"
    text = _TEXT.format(name=name, product=product, board=board, image=image, ids=ids)
    model = load_model(lines.Line, text, str(file))
    made = authority.missing_file(key)
    authority.create(
        line, key, product=product, now=clock.now(), ask=ask.secrets_from(passphrase_file)
    )
    with atomic.file(file) as stream:
        stream.write(text.encode())
    _tell(output, line, model, made)


def _tell(output: Output, folder: Path, model: "Line", made: Path | None) -> None:
    """Say what was written; `made` is the file of a key that is new."""
    from edge.factory import line as lines
    from edge.factory.identity import authority

    certificate = folder / authority.CERTIFICATE
    new_key = f"{made}: a new key: keep it, and a copy elsewhere\n" if made else ""
    output.result(
        {
            "line": model.line,
            "folder": str(folder),
            "certificate": str(certificate),
            "new_key": str(made) if made else None,
        },
        f"{folder / lines.FILE}: written\n{new_key}"
        f"{certificate}: the authority that the console is to know of\n"
        f"next: put what devices trust the server by into {folder / model.server_ca}, then\n"
        f"  edge factory station add {folder} S1 --count 1000",
    )
