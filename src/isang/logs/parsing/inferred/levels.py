"""Words, letters and numbers for how serious a line is, and the place where a log's lines have them."""

import re
from collections.abc import Sequence

import polars as pl

LEVELS = (
    "TRACE", "DEBUG", "INFORMATION", "INFO", "NOTICE", "WARNING", "WARN", "ERROR", "ERR", "SEVERE", "FATAL", "FAILURE",
    "CRITICAL", "CRIT", "ALERT", "EMERGENCY", "EMERG", "PANIC", "FINEST", "FINER", "FINE", "CONFIG", "VERBOSE",
)  # fmt: skip
_OTHER_LANGUAGES = {
    "INFO": "정보 안내 信息 資訊 情報 Information INFORMACIÓN Información INFOS Infos Informação INFORMAÇÕES",
    "WARNING": "경고 주의 警告 警報 WARNUNG Warnung ADVERTENCIA Advertencia AVISO "
    "AVERTISSEMENT Avertissement AVVERTENZA",
    "ERROR": "오류 에러 错误 錯誤 エラー FEHLER Fehler ERREUR Erreur ERRO Erro ERRORE",
    "SEVERE": "심각 严重 嚴重 重大 SCHWERWIEGEND Schwerwiegend GRAVE Grave GRAVES",
    "FATAL": "치명 치명적 致命 致命的",
    "DEBUG": "디버그 调试 除錯 デバッグ",
    "FINE": "상세 미세 详细 FEIN Fein FIN FINO PRÉCIS Précis",
    "CONFIG": "구성 설정 配置 構成 KONFIGURATION Konfiguration",
}  # fmt: skip
_TRANSLATED = {word.upper(): level for level, words in _OTHER_LANGUAGES.items() for word in words.split()}
_TRANSLATED.pop("INFORMATION")  # also English
_FOREIGN = sorted(
    {word for words in _OTHER_LANGUAGES.values() for word in words.split()} - {"Information"},
    key=lambda word: (len(word), word),
)
LEVEL = "(?:" + "|".join(f"{level}|{level.lower()}|{level.title()}" for level in LEVELS) + ")"
"""Written out, because ignoring the case makes the whole search three times slower."""
ANY_LEVEL = f"(?:{'|'.join(reversed(_FOREIGN))}|{LEVEL[3:-1]})"
"""The same in other languages too."""
SHORT_LEVEL = "VRB|DBG|INF|WRN|FTL"
_OTHER_WORDS = "LOG|STATEMENT|DETAIL|HINT|NOTE|Note|TRC|VERBOSE[1-9]|DEBUG[1-5]|II|WW|EE|inf|wrn|dbg"
LETTERS = {
    "T": "TRACE", "D": "DEBUG", "V": "VERBOSE", "I": "INFO", "N": "NOTICE", "W": "WARNING", "E": "ERROR",
    "C": "CRITICAL", "F": "FATAL",
}  # fmt: skip
IN_FRONT = rf"^(?:##\[|(?:\[[ \d]{{1,8}}\])?(?:[^\s:=\"']{{1,80}}:\s+)?)({ANY_LEVEL})(?:\]|(?:\s\d{{1,2}})?:\s)"
"""A level that the layout left in the message: in front, or behind one component, and before a colon; or marked as the
runners of builds do."""
NUMBERS = {
    "0": "EMERG", "1": "ALERT", "2": "CRIT", "3": "ERROR", "4": "WARN", "5": "NOTICE", "6": "INFO", "7": "DEBUG",
    "10": "TRACE", "20": "DEBUG", "30": "INFO", "40": "WARN", "50": "ERROR", "60": "FATAL",
}  # fmt: skip
"""Of syslog, and of Node.js and Python."""
MARKS = {".": "DEBUG", "*": "NOTICE", "#": "WARNING"}
"""Level marks of Redis; its `-`, which elsewhere means no level, is not included."""
_DEBUG = {f"D{number}": "DEBUG" for number in range(1, 6)}
"""Of MongoDB."""
_CUT = {
    "TRAC": "TRACE", "DEBU": "DEBUG", "ERRO": "ERROR", "FATA": "FATAL", "PANI": "PANIC",
    "TRC": "TRACE", "VRB": "VERBOSE", "DBG": "DEBUG", "DB": "DEBUG", "INF": "INFO", "IN": "INFO", "II": "INFO",
    "NO": "NOTICE", "WRN": "WARN", "WA": "WARN", "WW": "WARN", "ER": "ERROR", "EE": "ERROR", "CR": "CRITICAL",
    "FTL": "FATAL", "AL": "ALERT", "EM": "EMERGENCY",
}  # fmt: skip
"""Of logrus on a terminal, Serilog, X servers and VMware."""
WINDOWS_NUMBERS = {"0": "INFO", "1": "CRITICAL", "2": "ERROR", "3": "WARNING", "4": "INFO", "5": "VERBOSE"}
"""Of Windows' events; 0 is that of an audit."""

_NUMBERED = {f"{word}{number}": word for word in ("DEBUG", "VERBOSE") for number in range(1, 10)}
"""Of PostgreSQL and Chromium."""

_WORDS = _TRANSLATED | _NUMBERED | NUMBERS | LETTERS | MARKS | _CUT | _DEBUG


ERROR_LEVELS = frozenset(
    ["ERROR", "ERR", "E", "SEVERE", "FATAL", "F", "CRITICAL", "CRIT", "ALERT", "EMERG", "EMERGENCY", "PANIC", "FAILURE"]
)
"""Levels that mean an error in any of the recognised formats, in capitals."""
WARNING_LEVELS = frozenset(["WARN", "WARNING", "CAUTION", "ATTENTION"])


def normal_level(level: pl.Expr) -> pl.Expr:
    """Levels as written become upper-case English words."""
    return level.str.to_uppercase().replace(_WORDS)


_OPENING = r"[\s,:|\-]*[\[(<{*]?\s*"
_GROUP = r"[\s,:|\-]*(?:\[[^\]]{0,80}\]|\([^)]{0,80}\)|<[^>]{0,80}>|\{[^}]{0,80}\})"
_WORD = r"(?:[\w.-]{1,30}=)?[^\s|\[\](){}<>,;=\"']{1,60}(?:\(\d{1,9}\)|\[\d[\d:]{0,12}\])?"
GAPS = (
    _OPENING,
    r"[\s,:|\-]*\[[^\]/]{1,80}/",  # [thread/LEVEL]
    rf"(?:{_GROUP}){{1,5}}{_OPENING}",
    r"[\s,:|\-]*\d+(?:[\s,:|\-]+\d+){0,2}[\s,:|\-]+[\[(<{]?\s*",
    r"\s*(?:\|[^|]{0,60}){1,4}\|\s*",
    rf"[\s,:|\-]*(?:(?:{_WORD}|\[[^\]]{{0,80}}\]|\([^)]{{0,80}}\))[\s,:|\-]+){{1,4}}?[\[(<{{]?\s*",
)
"""What may stand between a time and the level, the simplest first."""
BEHIND = r"(?:\[\d+\]|/[^\s\[\]]{1,80}\][\s,:|\-]*|\s*[\])>}*][\s,:|\-]*|[\s,:|/\-]+|$)"
_SOME, _MOST, _ALL = 0.1, 0.8, 0.95
_PLAIN = {"TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR"}
"""Words that are levels, and nothing else, wherever all lines have them."""
_LETTER = f"[{''.join(LETTERS)}]"
_USUAL_LETTERS = {"I", "W"}
"""Behind words, a column of letters without one of these may be drives or classes."""
_ANY_WORD = rf"(?:{ANY_LEVEL}|{SHORT_LEVEL})"
_WITHIN = (
    rf"(?P<message>.*?\b(?:[Ll]og_?)?(?:[Ll]evel|LEVEL|[Ll]vl|[Ss]everity)[\"']?[=:]\s?[\"']?(?P<level>{_ANY_WORD})\b.*)",
    rf"(?P<message>.*?[\[(<*](?P<level>{_ANY_WORD})[\])>*].*)",
    rf"(?P<message>.*?[\t|;](?P<level>{_ANY_WORD})[\t|;].*)",
)


def level_place(rests: Sequence[str], *, bracketed: bool = False) -> str | None:
    """An expression for what leads to the level and the level itself, as a group; None where the lines name none.

    `rests`: what stands behind the time; `bracketed`: in the same brackets. A level right behind it counts where a
    tenth of the lines have one; further on nearly all must, and several different ones where they are in small letters,
    as prose is. A single letter is a level where the lines have nothing else in that place, and at least two different
    ones or brackets.
    """
    if not rests:
        return None
    for number, gap in enumerate(GAPS):
        pattern = rf"{gap}(?P<level>{ANY_LEVEL}|{SHORT_LEVEL}|{_OTHER_WORDS}){BEHIND}"
        found = [match for rest in rests if (match := re.match(pattern, rest)) is not None]
        levels = [match["level"] for match in found]
        if len(levels) >= _ALL * len(rests) and len(set(levels)) > 1:
            return pattern
        upper = [level for level in levels if not level.islower() or number < 5]
        if number == len(GAPS) - 1 and len(set(upper)) == 1 and upper[0] not in _PLAIN:
            continue  # SERVICE ALERT:
        if len(upper) >= (_SOME if number == 0 else _MOST) * len(rests):
            return pattern
    for number, gap in enumerate(GAPS):
        pattern = rf"{gap}(?P<level>{_LETTER}){BEHIND}"
        found = [match for rest in rests if (match := re.match(pattern, rest)) is not None]
        letters = {match["level"] for match in found}
        if len(found) < _ALL * len(rests) or (number == len(GAPS) - 1 and not letters & _USUAL_LETTERS):
            continue
        closed = len(found) if bracketed else sum(match[0].rstrip()[-1:] in "])>}|/:" for match in found)
        if len(letters) > 1 or (closed == len(found) and number < len(GAPS) - 1):
            return pattern
    return None


def message_with_level(rests: Sequence[str]) -> str | None:
    """An expression for messages that hold their level somewhere, as groups one within the other; None where they do
    not.

    `rests`: what stands behind the time. Nearly all must have a level behind a telling name, or in brackets or a column
    of its own, and two different ones there.
    """
    for place in _WITHIN:
        found = [match["level"] for rest in rests if (match := re.match(place, rest)) is not None]
        if len(found) >= _ALL * len(rests) and len(set(found)) > 1:
            return place
    return None
