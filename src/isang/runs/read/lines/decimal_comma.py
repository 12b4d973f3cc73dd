"""Text whose numbers have a decimal comma, as scripts print them under a German or French locale."""

import re

LOOKED_AT = 2_000
"""Lines from which the decimal sign is inferred."""
FEWEST = 5
_COMMA = re.compile(rb"(?<![\w.,:])([-+]?\d+),(\d+)(?![\w.,:])")
_POINT = re.compile(rb"(?<![\w.,:/])\d+\.\d+(?![\w.])")


def has_decimal_commas(lines: list[bytes]) -> bool:
    """Whether numbers such as `0,3412` outnumber those with a point, and not all could be thousands (`1,234`)."""
    text = b"\n".join(lines[:LOOKED_AT])
    found = _COMMA.findall(text)
    surely = sum(len(tail) != 3 or head.lstrip(b"+-") == b"0" for head, tail in found)
    return surely >= FEWEST and 2 * surely > len(found) and 10 * len(_POINT.findall(text)) < len(found)


def with_points(line: bytes) -> bytes:
    """The line with decimal points."""
    return _COMMA.sub(rb"\1.\2", line)
