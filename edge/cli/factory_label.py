"""`edge factory label`: the label of a device once more."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge import atomic
from edge.cli.factory_verify import LINE
from edge.cli.output import Output
from edge.errors import InputError, RefusedError

if TYPE_CHECKING:
    from edge.factory.labels.render import Form


@click.command()
@LINE
@click.argument("device")
@click.option(
    "--format",
    "form",
    type=click.Choice(["svg", "png", "pdf", "zpl"]),
    help="Else what is usual for the printer.",
)
@click.option(
    "-o",
    "--output",
    "to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file, in place of a printer.",
)
@click.option(
    "--printer", help="file:FOLDER (from here), lp:QUEUE or tcp:HOST; else that of line.yml."
)
@click.pass_obj
def label(
    output: Output,
    *,
    line: Path,
    device: str,
    form: str | None,
    to: Path | None,
    printer: str | None,
) -> None:
    r"""Print the label of DEVICE, which the line of the folder LINE has made.

    \b
    Examples:
      edge factory label line/ gw-000042
      edge factory label line/ gw-000042 -o label.svg
      edge factory label line/ gw-000042 --printer tcp:10.0.0.9
    """
    from edge.factory import line as lines
    from edge.factory import reading, rework
    from edge.factory.labels import printing, render
    from edge.factory.labels.label import Label
    from edge.factory.labels.render import Form
    from edge.factory.made import Fate
    from edge.factory.steps.labelling import printer_of

    if to is not None and printer is not None:
        raise click.UsageError("-o and --printer are two places")
    model = lines.read(line)
    known = rework.history(reading.of_line(line, model), model, device)
    if known.fate is not Fate.GOOD or known.record is None:
        raise RefusedError(f"{device}: it is not good, so it gets no label")
    made = Label(device, model.product, known.record["key"])
    if to is not None:
        with atomic.file(to) as stream:
            stream.write(render.rendered(made, _form(to, form)))
        where = str(to)
    else:
        where, kind = printer or model.printer, Form(form) if form else None
        printing.printed(
            printing.parse(where, kind) if printer else printer_of(line, where, kind), made
        )
    output.result({"device": device, "code": made.code, "to": where}, f"{device}: {where}")


def _form(file: Path, named: str | None) -> "Form":
    """Return the form of a file that was named.

    Raises:
        InputError: Nobody says which.
    """
    from edge.factory.labels.render import Form

    text = named or file.suffix.removeprefix(".")
    if text not in set(Form):
        raise InputError(f"{file}: of which form?", hint="add --format, or name it .svg, .pdf …")
    return Form(text)
