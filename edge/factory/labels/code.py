"""The QR code of a label, as rows of modules without quiet zone.

Source: ISO/IEC 18004; the code itself is made by segno.
"""

from edge.errors import EdgeError

Modules = tuple[tuple[bool, ...], ...]


def modules(text: str) -> Modules:
    """Return the modules of a code, dark ones true; a quarter of it may get dirty.

    Raises:
        EdgeError: segno is not installed.
    """
    try:
        import segno
    except ImportError as error:
        raise EdgeError("labels need segno", hint="pip install 'edge-os[factory]'") from error
    made = segno.make(text, error="q", boost_error=False, micro=False)
    return tuple(tuple(bool(module) for module in row) for row in made.matrix)
