"""The live pages: what they show and to whom, and that nothing in a log becomes a part of them."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from isang.pages.contents import Contents
from isang.pages.live import overview_html
from isang.service.models.gates import TRAINING, training_gate
from isang.service.models.versions import Versions
from isang.service.web.login import COOKIE, SECONDS, cookie_for, inner_path, proves
from tests.languages import assert_tell_the_same
from tests.pages.test_page import HOSTILE, Tags, incident, record
from tests.service.test_web import READ, TOKEN, Parts, ask

HTML = {"Accept": "text/html,application/xhtml+xml"}
PATHS = ("/", "/?state=all", "/?state=silenced", "/incidents/i0", "/templates", "/quality", "/models")


@pytest.fixture
def parts(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Parts]:
    made = Parts(tmp_path, **getattr(request, "param", {}))
    for number in range(3):
        made.database.put_incident(incident(number) | {"stream": "logs"}, 1)
    made.database.add_anomaly("k", "i0", 1, record(HOSTILE))
    yield made
    made.close()


def page(parts: Parts, path: str, **headers: str) -> httpx2.Response:
    return ask(parts, "GET", path, headers=HTML | headers)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_nothing_in_a_log_becomes_a_part_of_a_page(parts: Parts, path: str, language: str) -> None:
    answer = page(parts, path, **{"Accept-Language": language})
    assert answer.status_code == 200
    tags = Tags(answer.text)
    assert f'<html lang="{language}">' in answer.text
    assert [tag for tag, _ in tags.found].count("script") == 1, "our own alone"
    assert not any(tag in ("img", "iframe", "object", "link") for tag, _ in tags.found)
    assert not any(name.startswith("on") or name == "style" for _, attributes in tags.found for name in attributes)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", answer.text)
    addresses = [value for _, a in tags.found for name, value in a.items() if name in ("src", "href", "action")]
    assert all(value and not re.match(r"\w+:|//", value) for value in addresses), "nothing from elsewhere"


def test_the_policy_allows_our_style_and_script_and_this_service_alone(parts: Parts) -> None:
    from isang.html import hashed

    answer = page(parts, "/")
    (style,), (script,) = (Tags(answer.text).inline[name] for name in ("style", "script"))
    assert answer.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src '{hashed(style)}'; script-src '{hashed(script)}'; base-uri 'none'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'"
    )
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_incidents_lead_to_pages_of_their_own_and_come_a_hundred_at_a_time(parts: Parts) -> None:
    for number in range(3, 120):
        parts.database.put_incident(incident(number) | {"stream": "logs", "state": "resolved"}, 1)
    first = page(parts, "/?state=resolved").text
    assert len(re.findall(r'href="/incidents/i\d+">', first)) == 100
    assert 'href="/?state=resolved&amp;page=2"' in first
    assert len(re.findall(r'href="/incidents/i\d+">', page(parts, "/?state=resolved&page=2").text)) == 17
    assert page(parts, "/incidents/unknown").status_code == 404
    assert page(parts, "/?state=nonsense&page=-1").status_code == 200
    second = page(parts, "/?state=resolved&page=2").text
    assert 'href="?state=resolved&amp;page=2&amp;lang=ko"' in second, "another language, the same list"


@pytest.mark.parametrize(
    ("language", "says"), [("en", "There is no such incident"), ("ko", "그런 인시던트가 없습니다")]
)
def test_an_address_without_an_incident_is_a_page_that_leads_on(parts: Parts, language: str, says: str) -> None:
    answer = page(parts, "/incidents/<b>", **{"Accept-Language": language})
    assert answer.status_code == 404
    assert says in answer.text
    assert "<b>" not in answer.text
    assert ("a", {"href": "/templates"}) in Tags(answer.text).found


@pytest.mark.parametrize(("anomalies", "warned"), [(60, True), (50, False)])
def test_where_most_sessions_are_anomalous_the_page_doubts_that_the_model_fits(anomalies: int, warned: bool) -> None:
    contents = Contents(name="x", account={}, sessions=100, anomalies=anomalies, incidents=(), lines=None)
    text = overview_html(
        contents, "en", says="Detecting.", state="firing", counts={}, severities={}, page=1, more=False, signed_in=False
    )
    assert ("60 of 100 sessions are anomalous. Unless" in text) == warned


@pytest.mark.parametrize("parts", [{"token": TOKEN, "read_token": READ}], indirect=True)
def test_a_browser_signs_in_once(parts: Parts) -> None:
    asked = page(parts, "/incidents/i0")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/login?next=%2Fincidents%2Fi0")
    assert ask(parts, "GET", "/api/v1/status").status_code == 401, "programs are told so"
    assert 'href="?next=/incidents/i0&amp;lang=ko"' in page(parts, asked.headers["Location"]).text
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    wrong = ask(parts, "POST", "/login", content=b"token=nonsense&next=%2F", headers=form)
    assert (wrong.status_code, COOKIE in wrong.cookies) == (401, False)
    right = ask(parts, "POST", "/login", content=f"token={READ}&next=%2Fmodels".encode(), headers=form)
    assert (right.status_code, right.headers["Location"]) == (303, "/models")
    said = right.headers["Set-Cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert READ not in said
    cookie = {"Cookie": f"{COOKIE}={right.cookies[COOKIE]}"}
    assert page(parts, "/models", **cookie).status_code == 200
    assert ask(parts, "POST", "/ingest", content=b"x", headers=cookie).status_code == 403, "it may only read"
    writing = {"Cookie": f"{COOKIE}={cookie_for(TOKEN, 4e9)}"}
    assert ask(parts, "POST", "/ingest", content=b"x", headers=writing).status_code == 200
    foreign = writing | {"Origin": "http://elsewhere"}
    assert ask(parts, "POST", "/ingest", content=b"x", headers=foreign).status_code == 403


def test_a_cookie_proves_the_token_until_it_ends() -> None:
    cookie = cookie_for(TOKEN, 1000.0)
    assert proves(cookie, TOKEN, 1001.0)
    assert not proves(cookie, TOKEN, 1000.0 + SECONDS), "it has ended"
    assert not proves(cookie, READ, 1001.0)
    later = f"9{cookie}"
    assert not any(proves(made, TOKEN, 1001.0) for made in (later, "", ".", "9999999999.", cookie[:-1], "9" * 99))


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", "", "/\n"]
)
def test_signing_in_never_leads_elsewhere(wanted: str) -> None:
    assert inner_path(wanted) == "/"
    assert inner_path("/incidents/a?b=c") == "/incidents/a?b=c"


def test_korean_pages_say_in_korean_what_models_and_gates_say(parts: Parts) -> None:
    gates = [
        training_gate(None),
        training_gate({name: finding("problem") for name in TRAINING}),
        training_gate({name: finding("ok") for name in TRAINING}),
    ]
    for one in gates:
        assert_tell_the_same(one["says"], one["says_ko"])
    shares = [{"value": value, "low": 0.0, "high": 9.0} for value in (1.25, 0.5)]
    shadow = {
        "sessions": 2_400, "alerts_per_thousand": shares[0], "present_alerts_per_thousand": shares[1],
        "only_candidate_sessions": 3, "only_present_sessions": 1, "only_candidate": [], "only_present": [],
    }  # fmt: skip
    versions = Versions(parts.database)
    versions.begin("0002", parts.settings.home, "a person asked for it", reason_ko="사람이 요청했습니다")
    versions.move(
        "0002",
        "refused",
        gates=gates,
        refused=[gates[1]["says"], "another"],
        refused_ko=[gates[1]["says_ko"], "다른 이유"],
    )
    versions.begin("0003", parts.settings.home, "of an earlier version")
    versions.move("0003", "shadow", gates=gates[2:])
    versions.note("0003", shadow=shadow)
    english, korean = page(parts, "/models").text, page(parts, "/models", **{"Accept-Language": "ko"}).text
    assert english.count("the training has a problem") == 1, "once, with its gate"
    for told, absent, text in ((english, korean, "a person asked for it"), (korean, english, "사람이 요청했습니다")):
        assert text in told
        assert text not in absent
    assert "of an earlier version" in korean
    assert "2,400 sessions so far, 1.25 alerts per 1,000 (the present model: 0.50)" in english
    assert "지금까지 세션 2,400개, 1,000개당 알림 1.25개(현재 모델 0.50개)" in korean
    assert "학습에 문제가 있습니다" in korean
    assert "problem" not in re.sub("<(style|script)>.*?</\\1>", "", korean, flags=re.DOTALL)


def finding(verdict: str) -> dict[str, object]:
    return {"verdict": verdict, "statement": {"en": "The loss rose 3 times.", "ko": "손실이 3번 올랐습니다."}}
