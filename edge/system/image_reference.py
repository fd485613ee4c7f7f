"""The text of an `image:` in files that people write: checked when it is read."""

from typing import Annotated

from pydantic import AfterValidator

from edge.errors import InputError
from edge.strict.model import wrong
from edge.system.reference import check_reference


def _image(text: str) -> str:
    try:
        check_reference(text)
    except InputError as error:
        raise wrong(str(error), error.hint) from error
    return text


def _optional(text: str) -> str | None:
    return _image(text) if text else None


ImageReference = Annotated[str, AfterValidator(_image)]
# LinuxKit reads an empty text as one that is not written.
OptionalImage = Annotated[str | None, AfterValidator(lambda text: _optional(text or ""))]
