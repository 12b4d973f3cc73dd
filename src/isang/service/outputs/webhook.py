"""Sends incidents as JSON to any address, signed with a shared secret."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Literal

from isang.service.outputs import Notice, OutgoingRequest, outcome_of

SCHEMA = 1


class Webhook:
    """One request with all notices.

    With a secret, `X-Isang-Signature` is `sha256=` and the HMAC-SHA256, in hexadecimal, of the header
    `X-Isang-Timestamp` (seconds since 1970), a full stop and the body; receivers should reject old timestamps.
    """

    name = "webhook"
    repeat_seconds: float | None = None

    def __init__(self, url: str, secret: str | None = None) -> None:
        self._url, self._secret = url, secret

    def request(self, notices: Sequence[Notice], now_us: int) -> OutgoingRequest | None:
        """See Sender."""
        told = [
            {"event": notice.event, "url": notice.page_url, "incident": dict(notice.incident)} for notice in notices
        ]
        body = json.dumps({"schema": SCHEMA, "notices": told}).encode()
        headers = {"Content-Type": "application/json", "X-Isang-Timestamp": str(now_us // 1_000_000)}
        if self._secret is not None:
            signed = headers["X-Isang-Timestamp"].encode() + b"." + body
            headers["X-Isang-Signature"] = (
                "sha256=" + hmac.new(self._secret.encode(), signed, hashlib.sha256).hexdigest()
            )
        return OutgoingRequest("POST", self._url, headers, body)

    def outcome(self, status: int, body: bytes) -> Literal["delivered", "retry", "refused"]:
        """See Sender."""
        return outcome_of(status)
