"""Servers that are no daemon of ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def stranger(path: Path, answer: bytes) -> AsyncIterator[str]:
    """Answers the first request on each connection with these bytes and closes it; the URL to reach it by."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(serve, path)
    async with server:
        yield f"unix:{path}"
