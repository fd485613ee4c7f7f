"""Run a dialog over a port: the one place where steps become bytes and time."""

from collections.abc import Callable
from typing import assert_never

from edge.flash.events import Listener
from edge.flash.protocols.steps import Dialog, Heard, Receive, Result, Send, SetBaud, Step, Tell
from edge.flash.transports.port import Port

Clock = Callable[[], float]


def run(dialog: Dialog[Result], port: Port, *, clock_s: Clock, listener: Listener) -> Result:
    """Run a dialog to its end and return its result.

    Args:
        dialog: Fresh.
        port: Open.
        clock_s: Seconds on a clock that only goes forward.
        listener: Gets what the dialog tells.

    Raises:
        EdgeError: That of the dialog, or of the port.
    """
    try:
        step = next(dialog)
        while True:
            data = _do(step, port, listener)
            step = dialog.send(Heard(data, clock_s()))
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        dialog.close()


def _do(step: Step, port: Port, listener: Listener) -> bytes:
    match step:
        case Receive(timeout_s):
            return port.read(timeout_s)
        case Send(data):
            port.write(data)
        case SetBaud(baud):
            port.set_baud(baud)
        case Tell(event):
            listener(event)
        case _:
            assert_never(step)
    return b""
