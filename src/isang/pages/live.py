"""The pages of the running service, drawn from the same contents and templates as the page from a file."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from isang.pages import views
from isang.pages.contents import Contents
from isang.pages.page import policy, surroundings, template
from isang.pages.picture import picture
from isang.pages.quality import quality
from isang.pages.words import Language, word

Section = Literal["overview", "incident", "missing", "templates", "quality", "models", "login"]

MOSTLY, ENOUGH_SESSIONS = 0.5, 100
"""Above this share of anomalous sessions, among at least ENOUGH_SESSIONS, the model hardly fits the logs."""


def live_policy() -> str:
    """The content security policy of the live pages: they contact only their own service and cannot be framed."""
    return policy("connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'")


def overview_html(
    contents: Contents,
    language: Language,
    *,
    says: str,
    state: str,
    counts: Mapping[str, int],
    severities: Mapping[str, int],
    page: int,
    more: bool,
    signed_in: bool,
) -> str:
    """Incidents of a `state`, the most severe first, and the anomalies over time."""
    shown = [
        views.heading(entry, contents, language) | {"answered": (entry.get("feedback") or {}).get("verdict")}
        for entry in contents.incidents
    ]
    return _page(
        "overview", contents, language, signed_in=signed_in, title=word("overview", language), says=says, state=state,
        counts=counts, severities=severities, page=page, more=more, incidents=shown, quality=None,
        doubtful=contents.sessions >= ENOUGH_SESSIONS and contents.anomalies > MOSTLY * contents.sessions,
        picture=None if contents.lines is None else picture(contents.lines, shown),
    )  # fmt: skip


def incident_html(contents: Contents, language: Language, *, feedback: bool, signed_in: bool) -> str:
    """The one incident of `contents`; `feedback`: whether people can answer."""
    shown = views.incident(contents.incidents[0], contents, language)
    return _page(
        "incident", contents, language, signed_in=signed_in, title=shown["title"], incident=shown, feedback=feedback
    )


def missing_html(contents: Contents, language: Language, *, signed_in: bool) -> str:
    """The answer to an address without an incident."""
    return _page("missing", contents, language, signed_in=signed_in, title=word("missing_incident", language))


def templates_html(contents: Contents, language: Language, *, signed_in: bool) -> str:
    """The templates that the model knows, and the values in their slots."""
    return _page(
        "templates", contents, language, signed_in=signed_in, title=word("templates", language),
        templates=views.templates(contents), never_seen=views.never_seen(contents),
    )  # fmt: skip


def quality_html(
    contents: Contents,
    language: Language,
    *,
    live_budget: Sequence[tuple[str, str, Mapping[str, str]]],
    signed_in: bool,
) -> str:
    """The evaluation of the model in use; `live_budget`: what the service measured, as
    (the name of a word, the figure, values of the word)."""
    return _page(
        "quality", contents, language, signed_in=signed_in, title=word("quality", language), live_budget=live_budget,
        quality=quality(contents.evaluation), sources=views.sources(contents.account, language),
    )  # fmt: skip


def models_html(
    contents: Contents,
    language: Language,
    *,
    models: Sequence[Mapping[str, Any]],
    advised: Mapping[str, Any] | None,
    actions: Mapping[str, bool],
    signed_in: bool,
) -> str:
    """The models with their gates; `advised`: why another one is worth training; `actions`: which of `train`,
    `promote`, `rollback` the service offers."""
    return _page(
        "models", contents, language, signed_in=signed_in, title=word("models", language), models=models,
        advised=advised, actions=actions,
    )  # fmt: skip


def login_html(contents: Contents, language: Language, *, next_path: str, wrong: bool) -> str:
    """The form in which a user enters the token."""
    return _page(
        "login", contents, language, signed_in=False, title=word("sign_in", language), next=next_path, wrong=wrong
    )


def _page(section: Section, contents: Contents, language: Language, **values: Any) -> str:
    return template("live.html.jinja").render(
        **surroundings(contents, language), policy="", live=True, section=section, **values
    )
