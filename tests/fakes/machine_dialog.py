"""Dialogs over the console of a machine that runs."""

import time
from collections.abc import Generator
from typing import TypeVar

from edge.emulator.machine import Machine
from edge.flash.protocols.steps import Heard, Receive, Send, Step

Result = TypeVar("Result")
_LOOK_S = 0.02


def talked(machine: Machine, dialog: Generator[Step, Heard, Result]) -> Result:
    """Run a dialog to its end."""
    place = len(machine.text)
    step = next(dialog)
    while True:
        data = ""
        match step:
            case Send(sent):
                machine.send(sent.decode("ascii"))
            case Receive(timeout_s):
                deadline_s = time.monotonic() + timeout_s
                while len(machine.text) == place and time.monotonic() < deadline_s:
                    machine.listen(_LOOK_S)
                data, place = machine.text[place:], len(machine.text)
            case _:
                raise AssertionError(step)
        try:
            step = dialog.send(Heard(data.encode(errors="replace"), time.monotonic()))
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]
