"""Request bodies, limited in size as sent, in size when decompressed, and in time."""

import asyncio
import zlib

import zstandard
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

from isang.service.intake import RefusedRequest
from isang.service.settings import ServiceSettings


async def body_of(request: HttpRequest, settings: ServiceSettings) -> bytes:
    """The whole body, decompressed by Content-Encoding. Raises RefusedRequest."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > settings.body_bytes:
        raise _too_large(settings.body_bytes)
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.body_seconds):
            async for piece in request.stream():
                size += len(piece)
                if size > settings.body_bytes:
                    raise _too_large(settings.body_bytes)
                pieces.append(piece)
    except TimeoutError:
        raise RefusedRequest(408, f"the body did not come within {settings.body_seconds:g} seconds") from None
    except ClientDisconnect:
        raise RefusedRequest(400, "the sender went away") from None
    body = b"".join(pieces)
    for encoding in reversed([name.strip().lower() for name in request.headers.get("content-encoding", "").split(",")]):
        body = plain(body, encoding, settings.plain_bytes)
    return body


def plain(body: bytes, encoding: str, most: int) -> bytes:
    """A decompressed body of at most `most` bytes. Raises RefusedRequest."""
    if encoding in ("", "identity"):
        return body
    try:
        if encoding in ("gzip", "x-gzip", "deflate"):
            return _inflated(body, most)
        if encoding == "zstd":
            with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(body) as reader:
                found = reader.read(most + 1)
            if len(found) > most:
                raise _too_large(most)
            return found
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise RefusedRequest(400, f"the body is not {encoding}: {error}") from error
    raise RefusedRequest(415, f"Content-Encoding {encoding[:40]!r} is not known; use gzip, deflate or zstd")


def _inflated(body: bytes, most: int) -> bytes:
    """Decompress gzip (one or several members), zlib, or raw deflate."""
    window = 47 if body[:2] == b"\x1f\x8b" or (body and body[0] & 15 == 8) else -15
    pieces, rest, size = [], body, 0
    while rest:
        inflater = zlib.decompressobj(window)
        found = inflater.decompress(rest, most + 1 - size)
        size += len(found)
        if size > most or inflater.unconsumed_tail:
            raise _too_large(most)
        if not inflater.eof:
            raise EOFError("it ends too early")
        pieces.append(found)
        rest = inflater.unused_data
    return b"".join(pieces)


def _too_large(most: int) -> RefusedRequest:
    return RefusedRequest(413, f"the body is larger than {most >> 20} MiB; send less at a time")
