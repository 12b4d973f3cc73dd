"""Boxes that a training prints, one name and one number a line between bars, as one line of `name=number` pairs.

    | train/        |         |
    |    loss       | 16.6    |

Stable-Baselines3, OpenAI's baselines and Spinning Up print one box per step; rich prints them for evaluations.
"""

import re
from dataclasses import dataclass, field

_BAR = rb"(?:\||\xe2\x94\x82|\xe2\x94\x83|\xe2\x95\x91)"
_BEGINS = re.compile(rb"^[ \t]*" + _BAR, re.MULTILINE)
_ROW = re.compile(
    rb"^[ \t]*" + _BAR + rb"(?P<indent>[ \t]*)(?P<name>[^\d\W][^|\xe2]{0,99}?)[ \t]*" + _BAR
    + rb"[ \t]*(?P<value>[^|\xe2]{0,40}?)[ \t]*" + _BAR + rb"[ \t]*$"
)  # fmt: skip
_NUMBER = re.compile(rb"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)", re.IGNORECASE)
_FRAME = re.compile(rb"^[ \t]*(?:[-=+|]|\xe2[\x94-\x96][\x80-\xbf])+[ \t]*$")
FEWEST = 2
"""Rows with a number that make a box."""


@dataclass
class Boxes:
    """Feed it blocks of lines; a box may go on in the next block."""

    joined: int = 0
    """Number of lines merged into others so far."""
    _pairs: list[bytes] = field(default_factory=list)
    _lines: list[bytes] = field(default_factory=list)
    _heading: bytes = b""

    def without(self, lines: list[bytes]) -> list[bytes]:
        """The lines, each whole box as one line."""
        if not self._lines and not _BEGINS.search(b"\n".join(lines)):
            return lines
        result: list[bytes] = []
        for line in lines:
            match = _ROW.match(line)
            if match is None and not (self._lines and _FRAME.match(line)):
                result += self.rest()
                result.append(line)
            elif match is None:
                self._lines.append(line)
                if self._pairs:
                    result += self.rest()
            else:
                self._add(match, line)
        return result

    def rest(self) -> list[bytes]:
        """What the box that was begun comes to: one line, or its lines as they are where it was none."""
        lines, pairs = self._lines, self._pairs
        self._lines, self._pairs, self._heading = [], [], b""
        if len(pairs) < FEWEST:
            return lines
        self.joined += len(lines) - 1
        return [b" ".join(pairs)]

    def _add(self, match: re.Match[bytes], line: bytes) -> None:
        self._lines.append(line)
        name, value = re.sub(rb"\s+", b"_", match["name"]), match["value"]
        if not value and name.endswith(b"/"):
            self._heading = name
        elif _NUMBER.fullmatch(value):
            inside = len(match["indent"]) > 1 and self._heading
            self._pairs.append((self._heading if inside else b"") + name + b"=" + value)
