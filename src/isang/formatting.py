"""Makes external text safe to display: it can neither control a terminal or page nor hide anything."""

import io
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # terminal controls (C0, DEL, C1), except tab and newline
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufe00-\ufe0e\ufff0-\ufffb\U0001343d\U0001343e\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\u2028\u2029"  # line separators that are easily missed
    "\ud800-\udfff"  # lone surrogates, which no encoding can write
)
"""Control and invisible characters: mostly Unicode's Default_Ignorable_Code_Point."""
_EMOJI_STYLE = "(?<![#*0-9\xa9\xae\u203c-\u3299\U0001f000-\U0001faff])\ufe0f"
"""Matches variation selectors, except those after a character that they turn into an emoji, which are common in
text."""
_IN_TEXT = re.compile(f"[{_HIDDEN}]|{_EMOJI_STYLE}")
_IN_LINE = re.compile(f"[\n{_HIDDEN}]|{_EMOJI_STYLE}")


def printable(text: str) -> str:
    r"""The text with control, bidirectional and invisible characters as escapes such as `\x1b` and `\u202e`.

    Tabs and line ends are kept.
    """
    return text if text.isascii() and text.isprintable() else _IN_TEXT.sub(_escape, text)


def printable_line(text: str) -> str:
    """The same on one line: line ends are escaped too."""
    return text if text.isprintable() and text.isascii() else _IN_LINE.sub(_escape, text)


def escaped_json(text: str) -> str:
    """Equivalent JSON text with such characters escaped; they can occur only within its strings."""
    return text if text.isascii() and "\x7f" not in text else _IN_TEXT.sub(_json_escape, text)


def joined(lines: Iterable[str]) -> str:
    """Lines as one text, each of which stays one line whatever it contains."""
    return "\n".join(map(printable_line, lines))


@contextmanager
def guarded_output() -> Iterator[None]:
    """Within this context, nothing that the process or a library prints can control the terminal."""
    kept = sys.stdout, sys.stderr
    guarded = [PrintableStream(stream) if hasattr(stream, "buffer") else stream for stream in kept]
    sys.stdout, sys.stderr = guarded
    try:
        yield
    finally:
        sys.stdout, sys.stderr = kept
        for stream in guarded:
            if isinstance(stream, PrintableStream):
                stream.detach()  # flushes it without closing the underlying buffer


def _escape(found: re.Match[str]) -> str:
    if found[0] == "\n":
        return r"\n"
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))


class PrintableStream(io.TextIOWrapper):
    """Writes text to the buffer of `stream` through `printable`; characters not in its encoding are escaped too."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors="backslashreplace",
            line_buffering=getattr(stream, "line_buffering", False),
            write_through=getattr(stream, "write_through", False),
        )

    def write(self, text: str) -> int:
        """Write all of `text`; returns its length."""
        super().write(printable(text))
        return len(text)
