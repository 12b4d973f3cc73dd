"""What a sentence in English and the same in Korean have in common."""

import re

_TOLD = re.compile(r"\d+(?:[.,:]\d+)*|“[^”]*”|'[^']*'|--[a-z][a-z-]*")
_ENGLISH = re.compile(r"(?:\b[a-z]+ ){4}", re.IGNORECASE)


def assert_tell_the_same(english: str, korean: str, *, quoted: str = "") -> None:
    """The same numbers, quotations and options; and the Korean one is Korean but for what is `quoted` in both."""
    assert sorted(_TOLD.findall(english)) == sorted(_TOLD.findall(korean)), (english, korean)
    assert re.search("[가-힣]", korean), korean
    own = korean.replace(quoted, "") if quoted else korean
    assert not _ENGLISH.search(re.sub("'[^']*'", "", own)), f"not in Korean: {korean}"
