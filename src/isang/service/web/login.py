"""Browser login: the token is entered once in a form; a cookie then proves it without containing it."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response

from isang.service.settings import ServiceSettings
from isang.service.web.bodies import body_of

COOKIE = "isang"
SECONDS = 30 * 86_400
"""Lifetime of a login."""
WRONG_SECONDS = 1.0
"""Delay of the response to a wrong token."""
PATHS = ("/login", "/logout")


def cookie_for(token: str, now: float) -> str:
    """The expiry time and its keyed digest (HMAC-SHA-256): it cannot be forged without the token."""
    ends = str(int(now) + SECONDS)
    return f"{ends}.{_proof(token, ends)}"


def proves(cookie: str, token: str, now: float) -> bool:
    """Whether a cookie was made with this token and has not expired."""
    ends, _, proof = cookie.partition(".")
    if not (ends.isascii() and ends.isdigit() and len(ends) < 16 and int(ends) > now):
        return False
    return hmac.compare_digest(proof.encode(), _proof(token, ends).encode())


def role(cookies: Mapping[str, str], settings: ServiceSettings, now: float | None = None) -> str | None:
    """The role of a browser with these cookies: `write`, `read`, or None."""
    cookie, now = cookies.get(COOKIE, ""), time.time() if now is None else now
    if settings.token and proves(cookie, settings.token, now):
        return "write"
    return "read" if settings.read_token and proves(cookie, settings.read_token, now) else None


async def sign_in(request: HttpRequest, settings: ServiceSettings) -> tuple[Response | None, str]:
    """The response to a submitted token, None if it is wrong; and the page that the browser requested."""
    form = parse_qs((await body_of(request, settings)).decode(errors="replace"), max_num_fields=4)
    given, wanted = form.get("token", [""])[0], inner_path(form.get("next", ["/"])[0])
    for token in (settings.token, settings.read_token):
        if token and hmac.compare_digest(given.encode(), token.encode()):
            answer = RedirectResponse(wanted, 303)
            secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
            answer.set_cookie(
                COOKIE, cookie_for(token, time.time()), SECONDS, httponly=True, samesite="strict", secure=secure
            )
            return answer, wanted
    await asyncio.sleep(WRONG_SECONDS)
    return None, wanted


def sign_out() -> Response:
    """Delete the cookie."""
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def inner_path(wanted: str) -> str:
    """A path within this service, never an external address."""
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted
    return wanted if plain and wanted.startswith("/") and not wanted.startswith("//") else "/"


def _proof(token: str, ends: str) -> str:
    return hmac.new(token.encode(), f"isang browser until {ends}".encode(), hashlib.sha256).hexdigest()
