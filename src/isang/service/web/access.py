"""Access control by tokens, hosts and origins: ASGI middleware around everything else."""

import base64
import binascii
import hmac
from urllib.parse import urlsplit

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from isang.service.settings import ServiceSettings
from isang.service.web.login import PATHS, role
from isang.service.web.pages import sign_in_first, wants_page

OPEN = ("/healthz", "/readyz")
"""Paths without authentication, for health checks; they reveal nothing of the logs."""
READING = ("GET", "HEAD", "OPTIONS")
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Access:
    """Responds with 401 without a valid token, and with 403 to requests from foreign pages or host names."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = HttpRequest(scope)
        refusal = self._refusal(request, (scope.get("client") or ("",))[0])
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, text = refusal
        if status == 401 and wants_page(request):
            await sign_in_first(request)(scope, receive, send)
            return
        challenge = {"WWW-Authenticate": 'Bearer realm="isang"'} if status == 401 else {}
        await JSONResponse({"error": text}, status, challenge)(scope, receive, send)

    def _refusal(self, request: HttpRequest, peer: str) -> tuple[int, str] | None:
        settings, headers, method, path = self._settings, request.headers, request.method, request.url.path
        host = _host(headers.get("host", ""))
        if settings.is_local and not settings.token and not settings.proxy and host not in _LOCAL:
            return 403, "this service answers to localhost alone"  # a name that an attacker points at 127.0.0.1
        origin = headers.get("origin")
        if method not in READING and origin and _host(urlsplit(origin).netloc) != host:
            return 403, "a page from elsewhere may not send to this service"
        if settings.proxy and peer != settings.proxy:
            return 403, "only the reverse proxy may ask this service"
        if path in OPEN or path in PATHS or not settings.token:
            return None
        allowed = role(request.cookies, settings)
        if allowed == "write" or (allowed == "read" and method in READING):
            return None
        if may_send(headers.get("authorization", ""), settings):
            return None
        named = _named(headers.get("authorization", ""))
        if named is not None and settings.read_token and method in READING and _same(named, settings.read_token):
            return None
        if allowed == "read":
            return 403, "this needs the token that may write; sign out and name ISANG_TOKEN"
        return 401, "name the token: Authorization: Bearer TOKEN"


def may_send(authorization: str, settings: ServiceSettings) -> bool:
    """Whether a header contains the token that allows sending."""
    named = _named(authorization)
    return bool(settings.token) and named is not None and _same(named, settings.token or "")


def _host(given: str) -> str:
    """The host without the port."""
    if given.startswith("["):
        return given[1:].split("]", 1)[0]
    return given.rsplit(":", 1)[0] if ":" in given else given


def _named(authorization: str) -> str | None:
    """The token of a bearer header, or the password of a basic one, the only kind that many log shippers support."""
    kind, _, rest = authorization.partition(" ")
    if kind.lower() == "bearer":
        return rest.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _same(named: str, token: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(named.encode(), token.encode())
