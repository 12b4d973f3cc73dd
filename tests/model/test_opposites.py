"""A word is no rewording of its opposite, nor one name of another."""

import pytest

from isang.model.opposites import contradicts
from isang.model.wording import Wording


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("probe of gate says Ready:false after <*> ms", "probe of gate says Ready:true after <*> ms"),
        ("link of <*> is down", "link of <*> is up"),
        ("backup failed after <*> s", "backup ok after <*> s"),
        ("worker <*> stopped", "worker <*> started"),
        ("feature <*> disabled", "feature <*> enabled"),
        ("Service unavailable", "Service available"),
        ("No space left on <*>", "space left on <*>"),
        ("node is not a member", "node is a member"),
        ("Unit nginx.service entered failed state.", "Unit cron.service entered failed state."),
        ("connection refused by <*>", "connection accepted by <*>"),
    ],
)
def test_what_contradicts(asked: str, known: str) -> None:
    assert contradicts(asked, known)
    assert contradicts(known, asked)
    wording = Wording([known, "an entirely different template"], ["INFO", "INFO"])
    assert wording.most_similar(asked, "INFO") is None
    assert 0 not in wording.likenesses(asked, "INFO")


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("order <*> was stored", "stored order <*>"),
        ("one item of <*> sold", "item of <*> sold"),
        ("adding path <*>", "added path <*>"),
        ("added <*> denominators", "added <*> allowances"),
        ("user <*> has logged in", "login of user <*>"),
    ],
)
def test_what_is_only_worded_otherwise(asked: str, known: str) -> None:
    assert not contradicts(asked, known)
    assert not contradicts(known, asked)
