"""The live pages: builds page contents from the service's state."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from isang.artifact import Model
from isang.errors import IsangError
from isang.pages import live
from isang.pages.contents import Contents, slots_in, templates_of
from isang.pages.timeline import timeline_of_moments
from isang.pages.views import told
from isang.pages.words import Language, number, word
from isang.service.settings import ServiceSettings
from isang.service.storage.database import Database
from isang.service.web.login import inner_path, role, sign_in, sign_out

PER_PAGE = 100
STATES = ("firing", "resolved", "expired", "silenced", "all")
MOST_MOMENTS = 2_000
"""Maximum number of anomalous sessions, the latest, shown in the picture."""
HEADERS = {
    "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}  # fmt: skip


class Shown(Protocol):
    """The methods of the running service that the pages use."""

    settings: ServiceSettings
    database: Database

    def status(self) -> dict[str, Any]:
        """The content of `/api/v1/status`."""

    def models(self) -> dict[str, Any]:
        """The content of `/api/v1/models`."""

    def model_in_use(self) -> tuple[Model, Path] | None:
        """The model that judges, and its folder."""


Page = Callable[[Shown, HttpRequest, Contents, Language], str | None]


def page_routes(service: Shown, offered: Sequence[str]) -> list[Route]:
    """The routes of all pages except the first; `offered`: API paths that the pages may use."""
    pages: dict[str, Page] = {
        "/incidents/{id}": partial(_incident, can_answer="/api/v1/incidents/{id}/feedback" in offered),
        "/templates": _templates,
        "/quality": _quality,
        "/models": partial(_models, offered=offered),
    }
    routes = [Route(path, partial(_shown, service, page), methods=["GET"]) for path, page in pages.items()]
    routes.append(Route("/login", partial(_login, service), methods=["GET", "POST"]))
    routes.append(Route("/logout", _logout, methods=["POST"]))
    return routes


async def front_page(service: Shown, http: HttpRequest) -> Response:
    """The first page, an overview."""
    return await _shown(service, _overview, http)


def sign_in_first(http: HttpRequest) -> Response:
    """The response to a browser that is not logged in."""
    wanted = http.url.path + (f"?{http.url.query}" if http.url.query else "")
    return RedirectResponse(f"/login?next={quote(inner_path(wanted), safe='')}", 303, HEADERS)


def wants_page(http: HttpRequest) -> bool:
    """Whether the request comes from a browser and asks for a page."""
    return http.method in ("GET", "HEAD") and "text/html" in http.headers.get("accept", "")


async def _shown(service: Shown, page: Page, http: HttpRequest) -> Response:
    language = _language(http)
    try:
        text = await run_in_threadpool(lambda: page(service, http, _contents(service), language))
    except IsangError as error:
        return _html(str(error), 500, media_type="text/plain")
    if text is None:
        missing = live.missing_html(_contents(service), language, signed_in=_signed_in(service, http))
        return _html(missing, 404)
    answer = _html(text)
    if "lang" in http.query_params:
        answer.set_cookie("lang", language, 365 * 86_400, httponly=True, samesite="strict")
    return answer


def _html(text: str, status: int = 200, media_type: str = "text/html") -> Response:
    headers = HEADERS | {"Content-Security-Policy": live.live_policy()}
    return HTMLResponse(text, status, headers, media_type=media_type)


def _language(http: HttpRequest) -> Language:
    """The language from the address, a cookie or the browser's preference."""
    asked = http.query_params.get("lang") or http.cookies.get("lang") or http.headers.get("accept-language", "")
    return "ko" if asked.lower().startswith("ko") else "en"


def _signed_in(service: Shown, http: HttpRequest) -> bool:
    return role(http.cookies, service.settings) is not None


def _contents(service: Shown, **values: Any) -> Contents:
    """The contents common to all pages."""
    status = service.status()
    given: dict[str, Any] = {
        "name": service.settings.home.resolve().name,
        "account": {},
        "incidents": (),
        "lines": None,
    }
    given |= {"sessions": status.get("sessions") or 0, "anomalies": status.get("anomalies") or 0}
    return Contents(**(given | values))


def _overview(service: Shown, http: HttpRequest, contents: Contents, language: Language) -> str:
    state = http.query_params.get("state", "firing")
    state = state if state in STATES else "firing"
    asked_page = http.query_params.get("page", "1")
    page = int(asked_page) if asked_page.isascii() and asked_page.isdigit() and 0 < len(asked_page) < 6 else 1
    asked = None if state in ("silenced", "all") else state
    silenced = None if state == "all" else state == "silenced"
    offset = (max(1, page) - 1) * PER_PAGE
    found = service.database.incidents(state=asked, silenced=silenced, limit=PER_PAGE + 1, offset=offset)
    status = service.status()
    moments = [datetime.fromisoformat(moment) for moment in service.database.latest_starts(MOST_MOMENTS)]
    contents = _contents(service, incidents=found[:PER_PAGE], lines=timeline_of_moments(moments))
    return live.overview_html(
        contents, language, says=_says(status, language), state=state,
        counts=status.get("incidents", {}), severities=service.database.severities(asked, silenced), page=max(1, page),
        more=len(found) > PER_PAGE, signed_in=_signed_in(service, http),
    )  # fmt: skip


def _incident(
    service: Shown, http: HttpRequest, contents: Contents, language: Language, *, can_answer: bool
) -> str | None:
    found = service.database.incident(http.path_params["id"])
    if found is None:
        return None
    records = service.database.anomalies_of(found["id"])
    moments = [datetime.fromisoformat(record["start"]) for record in records if record["start"]]
    contents = _contents(
        service, incidents=[found], records={found["fingerprint"]: records}, lines=timeline_of_moments(moments)
    )
    may_write = not service.settings.token or role(http.cookies, service.settings) != "read"
    return live.incident_html(
        contents, language, feedback=can_answer and may_write, signed_in=_signed_in(service, http)
    )


def _templates(service: Shown, http: HttpRequest, contents: Contents, language: Language) -> str:
    used = service.model_in_use()
    if used is not None:
        model, folder = used
        templates = templates_of(model.template_table, slots=_slots(_data_of(folder)))
        contents = _contents(service, templates=templates)
    return live.templates_html(contents, language, signed_in=_signed_in(service, http))


def _quality(service: Shown, http: HttpRequest, contents: Contents, language: Language) -> str:
    used = service.model_in_use()
    budget: list[tuple[str, str, Mapping[str, str]]] = []
    if used is not None:
        contents = _contents(service, evaluation=used[0].evaluation, account=_account(_data_of(used[1])))
        budget.append(("asked_per_thousand", f"{used[0].config.detection.alerts_per_thousand:g}", {}))
    if contents.sessions:
        budget.append(("alerts_per_thousand", f"{1000 * contents.anomalies / contents.sessions:.2f}", {}))
    told = service.status().get("false_alarms")
    if told and told["per_thousand"]["value"] is not None:
        most = f"{told['at_most_per_thousand']['value']:.2f}"
        budget.append(("per_thousand_told", f"{told['per_thousand']['value']:.2f}", {"most": most}))
    return live.quality_html(contents, language, live_budget=budget, signed_in=_signed_in(service, http))


def _models(
    service: Shown, http: HttpRequest, contents: Contents, language: Language, *, offered: Sequence[str]
) -> str:
    models = [
        {
            "id": model["id"], "state": model["state"], "folder": model["folder"],
            "created": f"{datetime.fromtimestamp(model['created_us'] / 1e6, UTC):%Y-%m-%d %H:%M} UTC",
            "gates": _gates(model, language), "shadow": _shadow(model, language),
            "refused": _refused(model, language), "reason": told(model, "reason", language) or "",
            "previous": model.get("previous"),
        }
        for model in service.database.models()
    ]  # fmt: skip
    advised = _advised(service.models(), language)
    paths = {"train": "/train", "promote": "/{id}/promote", "rollback": "/rollback"}
    may_write = not service.settings.token or role(http.cookies, service.settings) != "read"
    actions = {name: may_write and f"/api/v1/models{path}" in offered for name, path in paths.items()}
    return live.models_html(
        contents, language, models=models, advised=advised, actions=actions, signed_in=_signed_in(service, http)
    )


async def _login(service: Shown, http: HttpRequest) -> Response:
    answer, wanted = None, inner_path(http.query_params.get("next", "/"))
    if not service.settings.token:
        return RedirectResponse(wanted, 303, HEADERS)
    if http.method == "POST":
        answer, wanted = await sign_in(http, service.settings)
        if answer is not None:
            return answer
    empty = Contents(name="isang", account={}, sessions=0, anomalies=0, incidents=(), lines=None)
    text = live.login_html(empty, _language(http), next_path=wanted, wrong=http.method == "POST")
    return _html(text, 401 if http.method == "POST" else 200)


async def _logout(http: HttpRequest) -> Response:
    return sign_out()


def _advised(said: Mapping[str, Any], language: Language) -> dict[str, Any] | None:
    """Why a candidate is worth training, what it would change, and why to wait."""
    found = said.get("suggestion")
    if found is None:
        return None
    return {
        "reasons": [told(reason, "says", language) for reason in found["reasons"]],
        "expected": told(found, "expected", language),
        "waits": told(found, "waits", language),
    }


def _says(status: Mapping[str, Any], language: Language) -> str:
    """The service's current activity, in a sentence."""
    said = told(status, "says", language) or told(status, "rule", language)
    return str(said or word(f"state_{status['state']}", language))


def _gates(model: Mapping[str, Any], language: Language) -> list[dict[str, str]]:
    """The result of each gate for a model."""
    outcomes = {True: "passed", False: "failed", None: "unknown"}
    return [
        {
            "name": str(gate.get("name", "")),
            "outcome": outcomes[gate.get("passed")],
            "says": str(told(gate, "says", language) or ""),
        }
        for gate in model.get("gates") or ()
    ]


def _refused(model: Mapping[str, Any], language: Language) -> list[str]:
    """Why a model may not be used, if no gate says it."""
    gates = {str(gate["says"]) for gate in _gates(model, language)}
    return [why for why in told(model, "refused", language) or () if why not in gates]


def _shadow(model: Mapping[str, Any], language: Language) -> str:
    """A model's results in shadow mode."""
    shadow = model.get("shadow")
    if not shadow:
        return ""
    rates = (shadow["alerts_per_thousand"]["value"], shadow["present_alerts_per_thousand"]["value"])
    own, present = ("–" if rate is None else f"{rate:.2f}" for rate in rates)
    return word(
        "in_shadow", language, sessions=number(shadow["sessions"]), own=own, present=present,
        only_own=number(shadow["only_candidate_sessions"]), only_present=number(shadow["only_present_sessions"]),
    )  # fmt: skip


def _data_of(folder: Path) -> Path:
    """The dataset that a model was trained on, if `isang run` made both."""
    return folder.resolve().parent.parent / "data"


@lru_cache(maxsize=4)
def _slots(data: Path) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    return slots_in(data)


@lru_cache(maxsize=4)
def _account(data: Path) -> Mapping[str, Any]:
    from isang.logs.store import read_account

    return read_account(data) if (data / "meta.json").is_file() else {}
