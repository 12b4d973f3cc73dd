"""Common parts of all pages: templates that escape all text, and hashes of inline styles and scripts for the policy."""

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from isang.formatting import joined, printable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


@cache
def asset(package: str, name: str) -> str:
    """The text of a file in the `templates` of a package."""
    return (files(package) / "templates" / name).read_text(encoding="utf-8")


@cache
def environment(package: str) -> "Environment":
    """The templates of a package; all values are escaped, and undefined names are errors."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,  # Markup is our own
    )  # fmt: skip


def safe(ours: str) -> "Markup":
    """Mark text that needs no escaping: only for our own files."""
    from markupsafe import Markup

    return Markup(ours)


def hashed(content: str) -> str:
    """The hash by which a content security policy allows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def raw_html(lines: Iterable[str]) -> str:
    """Raw lines for a notebook: escaped, and wrapped at the page width."""
    return f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere">{escape(joined(lines))}</pre>'
