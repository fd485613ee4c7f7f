"""A label in each form; the same label has the same bytes."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from edge.factory.labels import pdf as pdf_form
from edge.factory.labels import png as png_form
from edge.factory.labels import svg as svg_form
from edge.factory.labels import zpl as zpl_form
from edge.factory.labels.code import Modules, modules
from edge.factory.labels.label import Label
from edge.factory.labels.layout import Place, Spot

_Form = Callable[[Place, Modules, tuple[Spot, ...]], bytes]


class Form(StrEnum):
    """What a label can be written as."""

    SVG = "svg"
    PNG = "png"
    PDF = "pdf"
    ZPL = "zpl"


_FORMS: Final[Mapping[Form, _Form]] = MappingProxyType(
    {
        Form.SVG: svg_form.svg,
        Form.PNG: png_form.png,
        Form.PDF: pdf_form.pdf,
        Form.ZPL: zpl_form.zpl,
    }
)


def rendered(label: Label, form: Form, place: Place | None = None) -> bytes:
    """Return a label in a form.

    Raises:
        InputError: It does not fit on a label of that size.
        EdgeError: segno is not installed.
    """
    size = place or Place()
    return _FORMS[form](size, modules(label.code), label.spots(size))


def svg(label: Label, place: Place | None = None) -> bytes:
    """Return a label as SVG."""
    return rendered(label, Form.SVG, place)


def png(label: Label, place: Place | None = None) -> bytes:
    """Return a label as PNG."""
    return rendered(label, Form.PNG, place)


def pdf(label: Label, place: Place | None = None) -> bytes:
    """Return a label as PDF."""
    return rendered(label, Form.PDF, place)


def zpl(label: Label, place: Place | None = None) -> bytes:
    """Return a label as ZPL."""
    return rendered(label, Form.ZPL, place)
