"""The font of the pictures: one that can write Korean where the machine has one."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from isang.runs.findings import Language
from isang.runs.text.words import word

KOREAN_FONTS = (
    "Noto Sans CJK KR", "Noto Sans KR", "Pretendard", "NanumGothic", "NanumBarunGothic", "Apple SD Gothic Neo",
    "AppleGothic", "Malgun Gothic", "Spoqa Han Sans Neo", "IBM Plex Sans KR", "Source Han Sans KR", "Source Han Sans K",
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK TC", "UnDotum", "Baekmuk Dotum", "Gulim", "Dotum",
)  # fmt: skip
"""Fonts with Hangul, the best first. The other CJK editions of Noto hold the same Hangul."""
PLAIN_FONT = "DejaVu Sans"
"""It comes with matplotlib, so it is there on every machine."""


@cache
def find_korean_font() -> str | None:
    """The name of an installed font that can write Korean; None where the machine has none."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    found = korean_font(font.name for font in fontManager.ttflist)
    if found is not None:
        return found
    known = {font.fname for font in fontManager.ttflist}  # kept from an earlier day: look for fonts that came since
    for path in sorted(set(findSystemFonts()) - known):
        if _looks_korean(path):
            fontManager.addfont(path)
    return korean_font(font.name for font in fontManager.ttflist)


def korean_font(installed: Iterable[str]) -> str | None:
    """The best installed font with Korean glyphs; None if there is none."""
    names = set(installed)
    return next((font for font in KOREAN_FONTS if font in names and can_write("가", (font,))), None)


def picture_fonts(language: Language) -> list[str]:
    """Font families for labels in this language, the first one first."""
    korean = find_korean_font() if language == "ko" else None
    return [korean, PLAIN_FONT] if korean else [PLAIN_FONT]


def measured_name(metric: str, language: Language) -> str:
    """The label of the axis of what is judged: the metric's own name if it can be written, else the loss."""
    if metric and can_write(metric, picture_fonts(language)):
        return metric.replace("$", "")
    return word("loss", language)


def can_write(text: str, families: Iterable[str]) -> bool:
    """Whether these fonts together have a glyph for every character of `text`."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    fonts = [get_font(findfont(FontProperties(family=family))) for family in families]
    return all(any(font.get_char_index(ord(letter)) for font in fonts) for letter in set(text))


def _looks_korean(path: str) -> bool:
    name = Path(path).stem.replace("-", "").lower()
    return any(font.replace(" ", "").lower()[:8] in name for font in KOREAN_FONTS)
