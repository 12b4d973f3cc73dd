"""Which encoding a log is written in, guessed from its bytes where they are not UTF-8."""

import codecs
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from isang.compression import COMPRESSED, DAMAGED, plain_blocks
from isang.errors import UsageError

UTF_8 = "utf-8"
_SAMPLE_BYTES = 128 << 10
_PIECE_BYTES = 32 << 10
_LEAST_CHARACTERS = 4
"""Letters beyond ASCII that a guess needs."""
_DECODED = 0.98
_NEARLY_ALL, _MOST = 0.95, 0.85
_HALF_NUL = 0.3
_HIGH = re.compile(rb"[\x80-\xff]+")
_COMMON_SYLLABLES = frozenset(
    "다이는을의에니습로가고하지자시정보오류경니를은도서사수한인기리대해어나있없않음완료실패성공작종연결요청"
    "파일메모리접속중단처버동력출입권데터변생삭제인증용간초과행"
)
_WESTERN = frozenset("äöüÄÖÜßéèêëàâçîïôûùñáíóúÁÉÍÓÚÑ¿¡ãõÃÕåøæÅØÆìò°§«»€µ·–—’‘“”…©®")


def encoding_of(path: Path) -> str:
    """The encoding of a file by Python's name; `utf-8` unless its bytes indicate another."""
    return guessed(b"".join(_pieces(path)))


def guessed(sample: bytes) -> str:
    """The encoding of bytes from a log; `utf-8` unless they indicate another, even if some are not valid UTF-8."""
    wide = _utf_16(sample)
    if wide is not None:
        return wide
    lines = [line for line in sample.split(b"\n") if not _is_utf_8(line)]
    runs = [len(run) for line in lines for run in _HIGH.findall(line)]
    if sum(runs) < _LEAST_CHARACTERS:
        return UTF_8
    single = sum(runs) < 2 * len(runs)  # a letter here and there among ASCII ones
    for name, fits in _CANDIDATES:
        if (fits is _cyrillic and single) or (fits is _western and not single):
            continue
        decoded = [text for line in lines if (text := _strictly(line, name)) is not None]
        letters = [letter for text in decoded for letter in text if letter > "\x7f"]
        enough = len(decoded) >= _DECODED * len(lines) and len(letters) >= _LEAST_CHARACTERS
        if enough and fits(letters):
            return name
    return UTF_8


def checked_encoding(name: str) -> str:
    """Python's name of the encoding. Raises UsageError if it is not a text encoding."""
    try:
        found = codecs.lookup(name)
        "a".encode(found.name)
    except (LookupError, UnicodeError) as error:
        raise UsageError(
            f"logs.encoding must be auto or an encoding such as cp949, got {name!r}; set --encoding"
        ) from error
    return found.name


def as_utf_8(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Blocks of UTF-16 or UTF-32 text as blocks of UTF-8, without a byte-order mark."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for block in blocks:
        yield decoder.decode(block).removeprefix("\ufeff").encode(UTF_8)
    yield decoder.decode(b"", final=True).encode(UTF_8)


def is_wide(encoding: str) -> bool:
    """Whether a line end is more than one byte."""
    return encoding.startswith(("utf-16", "utf-32", "utf_16", "utf_32"))


def _pieces(path: Path) -> Iterator[bytes]:
    """The beginning of a file, and where it is not compressed some of its middle and its end."""
    try:
        with path.open("rb") as file:
            size = 0
            for block in plain_blocks(file, path, _Nothing()):
                yield block[:_SAMPLE_BYTES].lstrip(b"\0") if not size else block[:_SAMPLE_BYTES]
                size += len(block)
                if size >= _SAMPLE_BYTES:
                    break
            length = path.stat().st_size
            if path.suffix.lower() not in COMPRESSED and length > size + 2 * _PIECE_BYTES:
                for place in (length // 2, length - _PIECE_BYTES):
                    file.seek(place)
                    yield b"\n" + file.read(_PIECE_BYTES).partition(b"\n")[2].rpartition(b"\n")[0]
    except DAMAGED:
        return


class _Nothing:
    def update(self, data: bytes) -> None:
        """What is read twice is not part of the file's digest."""


def _utf_16(sample: bytes) -> str | None:
    if sample.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    some = sample[:4096]
    if len(some) < 2:
        return None
    odd, even = some[1::2], some[::2]
    for name, nul, other in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if nul.count(0) >= _HALF_NUL * len(nul) and other.count(0) <= 0.02 * len(other) and b"\n" in other:
            return name
    return None


def _is_utf_8(line: bytes) -> bool:
    return _strictly(line, UTF_8) is not None


def _strictly(line: bytes, encoding: str) -> str | None:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return None


def _share(letters: list[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, letters)) / len(letters)


def _korean(letters: list[str]) -> bool:
    """Whether letters are Korean: Chinese text also decodes to syllables, but rarely to the common Korean ones."""
    syllables = _share(letters, lambda letter: "가" <= letter <= "힣")
    return syllables >= _MOST and _share(letters, _COMMON_SYLLABLES.__contains__) >= 0.15


def _kana(letter: str) -> bool:
    return "\u3041" <= letter <= "\u30ff"


def _ideograph(letter: str) -> bool:
    return "\u4e00" <= letter <= "\u9fff" or "\u3000" <= letter <= "\u303f" or "\uff01" <= letter <= "\uff5e"


def _japanese(letters: list[str]) -> bool:
    kana = _share(letters, _kana)
    return kana >= 0.15 and kana + _share(letters, _ideograph) >= _NEARLY_ALL


def _chinese(letters: list[str]) -> bool:
    """Nearly all letters are of the simplified characters of everyday use, rows 16 to 55 of GB 2312."""
    return _share(letters, lambda letter: _ideograph(letter) and _everyday(letter, "gb2312", 0xB0, 0xD7)) >= _MOST


def _traditional(letters: list[str]) -> bool:
    return _share(letters, lambda letter: _ideograph(letter) and _everyday(letter, "big5", 0xA4, 0xC6)) >= _MOST


def _everyday(letter: str, encoding: str, first: int, last: int) -> bool:
    if not "\u4e00" <= letter <= "\u9fff":
        return True
    try:
        return first <= letter.encode(encoding)[0] <= last
    except UnicodeEncodeError:
        return False


def _cyrillic(letters: list[str]) -> bool:
    return _share(letters, lambda letter: "а" <= letter <= "я" or letter == "ё") >= _MOST - 0.15


def _western(letters: list[str]) -> bool:
    return _share(letters, _WESTERN.__contains__) >= _MOST


_CANDIDATES: tuple[tuple[str, Callable[[list[str]], bool]], ...] = (
    ("cp949", _korean),
    ("cp932", _japanese),
    ("euc_jp", _japanese),
    ("gb18030", _chinese),
    ("big5", _traditional),
    ("cp1251", _cyrillic),
    ("koi8_r", _cyrillic),
    ("latin-1", _western),
    ("cp1252", _western),
)
