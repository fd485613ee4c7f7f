"""Whether the label that was stuck on a device is that of this device."""

from edge.errors import RefusedError
from edge.factory.labels.label import Label


def require(text: str, label: Label) -> None:
    """Refuse a scanned code that is not that of a label.

    Args:
        text: What the scanner read.
        label: Of the device.

    Raises:
        InputError: It is no code of a label.
        RefusedError: It is that of another device, or of an earlier key of this one.
    """
    found = Label.scanned(text)
    if found.code == label.code:
        return
    if (found.device, found.product) == (label.device, label.product):
        raise RefusedError(
            f"{label.device}: this label is of an earlier key of it",
            hint="print a new one, and take the old one off",
        )
    raise RefusedError(
        f"this is the label of {found.product} {found.device},"
        f" the device is {label.product} {label.device}",
        hint="two labels were exchanged: look at the board beside it too",
    )
