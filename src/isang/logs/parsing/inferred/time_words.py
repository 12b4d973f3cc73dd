"""Names of months, days, halves of the day and zones as logs write them, in several languages."""

import re

import polars as pl

_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SHORT_MONTH = rf"(?:{'|'.join(_ENGLISH)})"

_MONTH_NAMES = (
    "January February March April May June July August September October November December",
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec",
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "Jän Febr Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "ene feb mar abr may jun jul ago sep oct nov dic",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "janv févr mars avr mai juin juil août sept oct nov déc",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "jan fev mar abr mai jun jul ago set out nov dez",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "gen feb mar apr mag giu lug ago set ott nov dic",
    "1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월",
    "01월 02월 03월 04월 05월 06월 07월 08월 09월 10월 11월 12월",
    "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月",
    "01月 02月 03月 04月 05月 06月 07月 08月 09月 10月 11月 12月",
    "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月",
)
_MONTHS = {
    name.lower(): short
    for names in _MONTH_NAMES
    for name, short in zip(names.split(), _ENGLISH, strict=True)
}  # fmt: skip
_DAY_NAMES = (
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Tues Wed Thu Thur Thurs Fri",
    "Sat Sun Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag Mo Di Mi Do Fr Sa So lunes",
    "martes miércoles jueves viernes sábado domingo lun mar mié jue vie sáb dom lundi mardi",
    "mercredi jeudi vendredi samedi dimanche mer jeu ven sam dim 월요일 화요일 수요일 목요일 금요일",
    "토요일 일요일 월 화 수 목 금 토 일 星期一 星期二 星期三 星期四 星期五 星期六 星期日 周一 周二",
    "周三 周四 周五 周六 周日 月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日",
)
_DAYS = [day for names in _DAY_NAMES for day in names.split()]

_HALVES = {
    "a. m.": "AM", "p. m.": "PM", "a.m.": "AM", "p.m.": "PM", "am": "AM", "pm": "PM", "오전": "AM", "오후": "PM",
    "上午": "AM", "下午": "PM", "午前": "AM", "午後": "PM", "vorm.": "AM", "nachm.": "PM", "a.m": "AM", "p.m": "PM",
}  # fmt: skip


def _any(words: list[str]) -> str:
    """An alternation, the longest first, in any case."""
    longest = sorted(sorted(set(words)), key=len, reverse=True)
    return "(?i:" + "|".join(re.escape(word).replace(r"\ ", r"\s?") for word in longest) + ")"


MONTH = _any([name for name in _MONTHS if not name[0].isdigit()]) + r"\.?|\d{1,2}[월月]"
_WORD = re.compile(r"([0-9][\s.-]{0,2})?([A-Za-z]{3,})")
_BEGINNINGS = {name[:3] for name in _MONTHS}
DAY = rf"(?:{_any(_DAYS)}\.?,?\s+|\((?:{'|'.join('월화수목금토일')})\)\s*)"
"""A day of the week with the space after it."""
HALF = _any([*_HALVES])

ZONES = {
    "UTC": "+0000", "GMT": "+0000", "WET": "+0000", "WEST": "+0100", "BST": "+0100", "CET": "+0100", "CEST": "+0200",
    "MEZ": "+0100", "MESZ": "+0200", "EET": "+0200", "EEST": "+0300", "SAST": "+0200", "MSK": "+0300",
    "IST": "+0530", "HKT": "+0800", "SGT": "+0800", "AWST": "+0800", "KST": "+0900", "JST": "+0900",
    "AEST": "+1000", "AEDT": "+1100", "NZST": "+1200", "NZDT": "+1300", "BRT": "-0300", "EST": "-0500",
    "EDT": "-0400", "CST": "-0600", "CDT": "-0500", "MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700",
}  # fmt: skip
"""Names of zones after a time. CST is America's, IST India's."""
OFFSET = (
    r"(?:Z|[+-]\d{2}(?::?\d{2})?|[ ][+-]\d{2}:?\d{2}|[ ](?:UTC|GMT)[+-]\d{1,2}(?::?\d{2})?"
    rf"|[ ](?:{'|'.join(ZONES)}))"
)
"""A zone after a time: Z, +09, +0900, +09:00, UTC+9 or a name."""
MINUTES = r"[+-]\d{3}\b"
"""The same in minutes, as DB2 writes it."""


def may_name_a_month(text: str) -> bool:
    """A quick check whether a word may be the name of a month, or begin like one after a number; False is certain."""
    return not text.isascii() or any(
        word.lower() in _MONTHS or (number and word[:3].lower() in _BEGINNINGS) for number, word in _WORD.findall(text)
    )


def in_english(text: pl.Expr) -> pl.Expr:
    """`text` (lower-cased) with English short months and AM or PM, without words that say nothing more."""
    words = {f"{name}.": f"{month} " for name, month in _MONTHS.items()}
    words |= _MONTHS | {half: f" {name} " for half, name in _HALVES.items()}
    words |= {"시": ":", "時": ":", "时": ":", "분": ":", "分": ":", "초": "", "秒": ""}
    words |= dict.fromkeys(("년", "年", "일", "日", " de ", " à ", " um "), " ")
    longest = sorted(words, key=len, reverse=True)
    return text.str.to_lowercase().str.replace_many(longest, [words[word] for word in longest], leftmost=True)
