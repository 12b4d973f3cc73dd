"""Korean particles after values: 은 or 는, 이 or 가, 을 or 를, 으로 or 로, by how the value before them is read."""

import re

_UNDECIDED = re.compile(
    r"(?P<last>[\w%σ])(?P<aside>\([^()]{1,80}\))?(?P<particle>(은)\((는)\)|(이)\((가)\)|(을)\((를)\)|\((으)\)(로))"
)
"""A remark in brackets is passed over: the particle belongs to what stands before it."""
_RIEUL = 8
"""Number of the final consonant ㄹ in a Hangul syllable; 로 follows it as it follows a vowel."""
_FINALS = {
    "0": 21, "1": _RIEUL, "2": 0, "3": 16, "4": 0, "5": 0, "6": 1, "7": _RIEUL, "8": _RIEUL, "9": 0, "%": 0, "σ": 0,
}  # fmt: skip
"""Final consonants of 영, 일, 이, …, 퍼센트 and 시그마; what ends in zeros ends in a consonant however read."""


def with_particles(text: str) -> str:
    """`0.2은(는)` as `0.2는`; left open after letters that are no Hangul, which are read in more than one way."""
    return _UNDECIDED.sub(_decided, text)


def _decided(found: re.Match[str]) -> str:
    last, before = found["last"], found["last"] + (found["aside"] or "")
    final = (ord(last) - ord("가")) % 28 if "가" <= last <= "힣" else _FINALS.get(last)
    if final is None:
        return found[0]
    if found["particle"] == "(으)로":
        return before + ("로" if final in (0, _RIEUL) else "으로")
    closed, open_ = (part for part in found.groups()[3:9] if part)
    return before + (closed if final else open_)
