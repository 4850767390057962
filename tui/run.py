"""Running the terminal UI in a real terminal, and giving that back whatever happens.

Textual restores the terminal when its app ends, but a signal would end the process before that. So
the signals with which people and machines end programs end the app instead, and the exit code is the
one a shell expects: 128 and the signal's number. A terminal that has gone away takes no bytes any
more; then the process ends after `GRACE` seconds without saying goodbye.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from typing import Final

from .app import FluxApp
from .format import ASCII, UNICODE
from .late import Closing, Late
from .look import Look

GRACE: Final = 2.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def main(
    url: str, load: Callable[[], Callable[[str], Closing]], *, read_only: bool, ascii_only: bool, colour: bool
) -> int:
    """The exit code, after the person or a signal has ended the terminal UI on the daemon at `url`."""
    glyphs = ASCII if ascii_only else UNICODE
    return asyncio.run(_main(Late(url, load), Look(place=url, glyphs=glyphs, read_only=read_only, colour=colour)))


async def _main(client: Late, look: Look) -> int:
    try:
        return await show(FluxApp(client, look))
    finally:
        await client.close()


async def show(app: FluxApp) -> int:
    """The exit code, after the person or a signal has ended the app."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _end, app, 128 + number)
    try:
        await app.run_async()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
    if app.return_code == 128 + signal.SIGHUP:
        _forget_terminal()
    return app.return_code or 0


def _forget_terminal() -> None:
    """What is still buffered for a terminal that has gone away goes nowhere; else Python ends with 120 over it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _end(app: FluxApp, code: int) -> None:
    """End the app; end the process if the terminal does not let it."""
    last = threading.Timer(GRACE, os._exit, [code])
    last.daemon = True
    last.start()
    app.exit(return_code=code)
