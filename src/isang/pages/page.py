"""A self-contained HTML page about analysed logs: styles, script and pictures are embedded."""

from functools import cache
from typing import TYPE_CHECKING, Any

from isang.html import asset, environment, hashed, safe
from isang.pages import views
from isang.pages.contents import Contents
from isang.pages.picture import picture
from isang.pages.quality import quality
from isang.pages.timeline import BUCKETS, LEVELS
from isang.pages.words import Language, named, number, word

if TYPE_CHECKING:
    from jinja2 import Template

SHOWN_INCIDENTS = 200
"""Maximum number of incidents shown with their sessions; further ones up to LISTED_INCIDENTS get a line each."""
MANY_INCIDENTS, SHOWN_OF_MANY = 1_000, 50
"""With more than MANY_INCIDENTS, only SHOWN_OF_MANY are shown with their sessions, to keep the page fast."""
LISTED_INCIDENTS = 10_000


def index_html(contents: Contents, language: Language) -> str:
    """The page. All text that comes from logs is escaped, and its control characters are made visible."""
    most = SHOWN_OF_MANY if len(contents.incidents) > MANY_INCIDENTS else SHOWN_INCIDENTS
    shown = [views.incident(entry, contents, language) for entry in contents.incidents[:most]]
    rest = [views.heading(entry, contents, language) for entry in contents.incidents[most:LISTED_INCIDENTS]]
    return template("index.html.jinja").render(
        **surroundings(contents, language),
        policy=policy("form-action 'none'"), live=False, incidents=shown, rest=rest,
        left_out=max(0, len(contents.incidents) - LISTED_INCIDENTS),
        severities={name: sum(one["severity"] == name for one in contents.incidents) for name in views.SEVERITIES},
        picture=None if contents.lines is None else picture(contents.lines, shown + rest),
        templates=views.templates(contents), never_seen=views.never_seen(contents),
        sources=views.sources(contents.account, language), quality=quality(contents.evaluation),
    )  # fmt: skip


def surroundings(contents: Contents, language: Language) -> dict[str, Any]:
    """What every page needs: its words, style and script."""
    style, script = _assets()
    return {
        "language": language, "style": safe(style), "script": safe(script), "c": contents, "name": contents.name,
        "levels": LEVELS, "bars": BUCKETS, "w": lambda key, **values: word(key, language, **values),
        "sessions": lambda count, what="sessions": word(
            f"one_{what[:-1]}" if count == 1 else f"some_{what}", language, count=number(count)
        ),
        "told": lambda entry, key: views.told(entry, key, language),
        "named": lambda family, name: named(family, name, language), "number": number,
    }  # fmt: skip


def policy(*more: str) -> str:
    """The content security policy of a page: our own style and script only, nothing loaded from elsewhere."""
    style, script = _assets()
    allowed = (
        "default-src 'none'",
        f"style-src '{hashed(style)}'",
        f"script-src '{hashed(script)}'",
        "base-uri 'none'",
    )
    return "; ".join((*allowed, *more))


def _assets() -> tuple[str, str]:
    return asset("isang.pages", "page.css"), asset("isang.pages", "page.js")


@cache
def template(name: str) -> "Template":
    """One of the templates of the pages."""
    return environment("isang.pages").get_template(name)
