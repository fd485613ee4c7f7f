"""Let the kernel send a part of a file on a connection of the event loop.

As `loop.sendfile`, which asks the kernel twice more each time when a connection takes bytes again:
here it is asked once for each part.
"""

import asyncio
import os
from collections.abc import Callable

_AGAIN = (BlockingIOError, InterruptedError)


async def send(
    transport: asyncio.Transport, handle: int, offset_bytes: int, length_bytes: int
) -> None:
    """Send a part of a file; nothing else may be written to the transport meanwhile.

    Args:
        transport: Without TLS, and with nothing that waits to be sent.
        handle: Of the file.
        offset_bytes: Where the part begins.
        length_bytes: How long it is.

    Raises:
        ConnectionError: The connection is lost, or was closed here.
    """
    loop = asyncio.get_running_loop()
    # The loop keeps the transport's own number for the transport.
    link = os.dup(transport.get_extra_info("socket").fileno())
    done: asyncio.Future[None] = loop.create_future()
    step = _step(transport, link, handle, offset_bytes, length_bytes, done)
    try:
        step()
        if not done.done():
            loop.add_writer(link, step)
            await done
        done.result()
    finally:
        loop.remove_writer(link)
        os.close(link)


def _step(
    transport: asyncio.Transport,
    link: int,
    handle: int,
    offset_bytes: int,
    length_bytes: int,
    done: "asyncio.Future[None]",
) -> Callable[[], None]:
    offset, end = offset_bytes, offset_bytes + length_bytes

    def step() -> None:
        nonlocal offset
        if done.done():
            return
        try:
            if transport.is_closing():
                raise ConnectionResetError("closed while a file was sent")
            sent = os.sendfile(link, handle, offset, end - offset)
        except _AGAIN:
            return
        except OSError as error:
            done.set_exception(error)
            return
        if not sent:
            done.set_exception(ConnectionResetError("the file has become shorter"))
            return
        offset += sent
        if offset == end:
            done.set_result(None)

    return step
