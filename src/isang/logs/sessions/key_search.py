"""The session key that a sample of lines suggests: an identifier that groups many lines into many small sessions."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import polars as pl

from isang.languages import Both
from isang.logs.parsing import masks
from isang.logs.parsing.inferred.levels import LEVELS
from isang.logs.parsing.regex import ascii_only
from isang.logs.sessions import prediction
from isang.logs.sessions.counted_keys import counted, counted_places
from isang.logs.sessions.placed_keys import placed
from isang.logs.sessions.rule import NO_KEYS, SessionRule
from isang.logs.sessions.value_shapes import value_shape

_MIN_COVERAGE = 0.3
"""At least this share of the lines carries a key."""
_MIN_JOINED = 0.5
"""At least this share of them shares its value with another line."""
_MIN_JOINED_GROUPS = 0.3
"""Minimum share of the values that occur in more than one line."""
_MIN_GROUPS = 5
_MIN_LINES_EACH = 1.5
"""Minimum mean number of lines per value: fewer make no sequences."""
_MAX_GROUP_SHARE = 0.2
"""The lines of one value are at most this share; beyond it is an actor, not a session."""
_MAX_SPAN = 0.5
"""Half of the values live for at most this share of the sample."""
_NEARLY_AS_GOOD = 0.97
_ALIAS_SHARED = 0.5
"""Another name means the same identifier when this share of its values is among those of the key."""
_ALIAS_ADDS = 0.005
"""... and it adds at least this share of the lines."""
_SHAPE_IS_KEY = 0.95
"""A shape of values identifies the key without a name if this share of what has the shape is a known value."""
_MUCH = 0.1
"""A source with this share of the lines that name the key in the busiest source is one that names it regularly."""
_MIN_SHAPE_CHARACTERS = 8
"""Shorter shapes would be met by chance."""

_SOON_OVER, _PLACED_COVERAGE = 0.1, 0.8
"""What only its place shows is in this share of the lines, and this share of its values is over within a tenth."""

_NOT_KEYS = frozenset(
    (
        "pid", "tid", "ppid", "uid", "gid", "thread", "port", "size", "bytes", "length", "len", "offset",
        "duration", "elapsed", "latency", "took", "time", "ts", "timestamp", "date", "at", "ms", "us", "ns",
        "version", "v", "line", "status", "code", "count", "total", "host", "hostname", "ip", "addr", "address",
        "client", "server", "node", "pod", "container", "image", "path", "file", "uri", "url", "user", "username",
        "user_id", "userid", "span", "spanid", "span_id", "parent", "parentspanid", "token", *(level.lower() for
        level in LEVELS),
    )
)  # fmt: skip
"""Names whose values are times, measures, places or actors; and levels, behind which a line begins."""
_BETWEEN = r"(?:[\"'\s:=\[]{1,4}|[:=]?[<(])"
"""Matches the text between a name and its value: `name=value`, `name: value`, `"name":"value"`, `[name value]`,
`name=<value>`, `name(value)`."""
_MARKED = r"(?:[\"']?[:=\[][\"'\s:=\[]{0,3}|[:=]?[<(])"
"""The same without `name value`, as words of a sentence stand."""
_JOINED = r"(?:[.:][A-Za-z0-9_-]+)*"
"""A value continues after a dot or colon that is not its end."""
_NAME = r"[A-Za-z](?:[A-Za-z0-9_.]{1,30}|[A-Za-z_-]{1,30})"
_NAMED = tuple(
    ascii_only(rf"\b({_NAME}){between}([A-Za-z0-9+][A-Za-z0-9_+/-]{{5,63}}{_JOINED})")
    for between in (_BETWEEN, _MARKED)
)
"""The second takes no word before for a name: `Ringing Call-ID: x7`."""
_PREFIXED = ascii_only(r"\b([A-Za-z]{2,15}[_@#~-])-?[0-9a-f][0-9a-f_-]{5,}\b")
_GLUED = ascii_only(r"\b([A-Za-z]{2,15})\d{4,12}\b")
_BARE = (
    (Both.same("UUID"), r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    (Both("32 hexadecimal digits", "hex 숫자 32자리"), r"\b[0-9a-f]{32}\b"),
    (Both("16 hexadecimal digits", "hex 숫자 16자리"), r"\b[0-9a-f]{16}\b"),
    (Both("address with port", "포트가 있는 주소"), r"\b\d{1,3}(?:\.\d{1,3}){3}:\d{4,5}\b"),
)
_DATE_LIKE = (
    r"^(?:(?:19|20)\d{2}([-/]?)\d{2}[-/]?\d{2}|\d{1,2}[-/](?:\d{1,2}|[A-Z][a-z]{2})[-/](?:19|20)?\d{2}(?:\D|$))"
)
_MAX_NAMES = 30
_BRACKETS = ("[", "(", "{", "<")
_AT_ITS_PLACE = 0.95
"""An identifier belongs after a bracket if this share of the lines with it have it there."""
_MOST_OF_A_FORM = 1.2
"""Lines that have more values of a form than this have more than one kind of identifier."""


@dataclass(frozen=True)
class Candidate:
    """An identifier and how well it groups the sample."""

    name: Both
    pattern: str
    names: tuple[str, ...]
    """The names before the value; none for values that are recognised by their own shape."""
    found: pl.DataFrame
    """`row`, `key`."""
    coverage: float = 0.0
    groups: int = 0
    score: float = 0.0
    between: str = _BETWEEN
    """What stands between the names and the value."""


def propose_key(sample: pl.DataFrame) -> SessionRule | None:
    """A rule of kind key, or None where no identifier groups the lines.

    `sample`: `source`, `text` (whole lines), `time` (UTC or null) and, where it is known, `message`, of all sources. An
    identifier is recognised by its name or its position; the form of values is considered last, as ids of several kinds
    have the same form.
    """
    sample = sample.sort("time", nulls_last=True, maintain_order=True)
    judged = [judge(candidate, sample.height) for candidate in candidates(sample["text"])]
    compared = _Comparison(sample)
    best = compared.best(judged)
    if best is not None and best.names:
        best = _with_all_writings(best, judged, sample)
    elif best is not None:
        best = _at_its_place(best, sample)
    else:  # where each log names the identifier once, and another log by another name
        best = compared.best([_with_all_writings(candidate, judged, sample) for candidate in judged if candidate.names])
    if best is None:
        best = compared.best([judge(candidate, sample.height) for candidate in _of_a_form(sample["text"])])
        best = None if best is None else _at_its_place(best, sample)
    if best is None:
        best = compared.best_placed(_placed(sample))
    if best is None:
        return None
    lines = best.found["row"].n_unique()
    if lines < _MIN_LINES_EACH * best.groups:
        return None
    each = f"{lines / max(1, best.groups):.1f}"
    return SessionRule(
        "key",
        f"{best.name.en} is in {best.coverage:.0%} of the {sample.height:,} lines looked at and groups them into "
        f"{best.groups:,} sessions of {each} lines each",
        f"살펴본 {sample.height:,}줄의 {best.coverage:.0%}에 있는 식별자로 묶었습니다: {best.name.ko}. 세션 "
        f"{best.groups:,}개, 세션당 {each}줄",
        pattern=best.pattern,
    )


class _Comparison:
    """Compares identifiers of one sample by the sessions that they make, and by how well these predict their lines."""

    def __init__(self, sample: pl.DataFrame) -> None:
        self._lines = sample.head(prediction.MAX_LINES)
        self._kinds: pl.Series | None = None

    def best(self, judged: list[Candidate]) -> Candidate | None:
        """The first candidate that is nearly as good as the best; None if none is a session key."""
        likely = [candidate for candidate in judged if candidate.score > 0]
        if len(likely) > 1:
            likely = [replace(candidate, score=candidate.score * self._predicts(candidate)) for candidate in likely]
        best_score = max((candidate.score for candidate in likely), default=0.0)
        return next((candidate for candidate in likely if candidate.score >= _NEARLY_AS_GOOD * best_score), None)

    def best_placed(self, judged: Iterable[Candidate]) -> Candidate | None:
        """The best candidate known only by its position: short-lived, and a better predictor than the previous line."""
        likely = [
            replace(candidate, score=candidate.score * predicts)
            for candidate in judged
            if candidate.score > 0 and (predicts := self._predicts(candidate, without_keys=True)) > 1
        ]
        return max(likely, key=lambda candidate: candidate.score, default=None)

    def _predicts(self, candidate: Candidate, *, without_keys: bool = False) -> float:
        """`without_keys`: the kinds of lines are determined without the values, for which there may be no mask."""
        messages = self._lines["message"] if "message" in self._lines.columns else self._lines["text"]
        found = candidate.found.filter(pl.col("row") < self._lines.height)
        if without_keys:
            texts = messages.to_list()
            for row, key in found.select("row", "key").iter_rows():
                texts[row] = (texts[row] or "").replace(key, masks.SLOT)
            kinds = prediction.kinds_of(pl.Series(texts, dtype=pl.String))
        else:
            kinds = self._kinds = self._kinds if self._kinds is not None else prediction.kinds_of(messages)
        return math.exp(prediction.gain(kinds, self._lines["source"], found))


def _with_all_writings(candidate: Candidate, others: list[Candidate], sample: pl.DataFrame) -> Candidate:
    """The identifier under all names and without one, judged."""
    return judge(_with_nameless(_with_aliases(candidate, others, sample), sample), sample.height)


def candidates(texts: pl.Series) -> Iterator[Candidate]:
    """Every identifier worth judging, those with a shape of their own first."""
    yield from _prefixed(texts)
    yield from _glued(texts)
    yield from _named(texts)
    for name, pattern, found in counted(texts):
        if name.lower() not in _NOT_KEYS:
            yield Candidate(Both.same(name), pattern, (), found)


def _of_a_form(texts: pl.Series) -> Iterator[Candidate]:
    """Identifiers that only their form shows, unless lines tend to have several values of it."""
    for name, pattern in _BARE:
        found = _found(texts, pattern)
        if found.height <= _MOST_OF_A_FORM * found["row"].n_unique():
            yield Candidate(name, pattern, (), found)


def _placed(sample: pl.DataFrame) -> Iterator[Candidate]:
    """Identifiers that only their place shows and that come and go: more than one line each, soon over."""
    for name, pattern in (*placed(sample["text"]), *counted_places(sample["text"])):
        found = _found(sample["text"], pattern).with_columns(pl.col("key").str.extract(pattern, 1))
        candidate = judge(Candidate(name, pattern, (), found), sample.height)
        spans = candidate.found.group_by("key").agg(pl.col("row").max() - pl.col("row").min())["row"]
        soon_over = float((spans <= _SOON_OVER * sample.height).mean() or 0.0)  # type: ignore[arg-type]
        if candidate.coverage >= _PLACED_COVERAGE and soon_over >= _PLACED_COVERAGE:
            yield candidate


def _at_its_place(best: Candidate, sample: pl.DataFrame) -> Candidate:
    """The identifier restricted to after the bracket that it follows in nearly all lines; unchanged if there is none.

    A line that mentions another session's id, as in `used request id req-…`, then does not belong to that session.
    """
    for opening in _BRACKETS:
        pattern = rf"{re.escape(opening)}({best.pattern})"
        found = _found(sample["text"], pattern).with_columns(pl.col("key").str.extract(pattern, 1))
        if found["row"].n_unique() >= _AT_ITS_PLACE * best.found["row"].n_unique():
            name = Both(f"{opening}{best.name.en}", f"{opening}{best.name.ko}")
            return judge(replace(best, name=name, pattern=pattern, found=found), sample.height)
    return best


def judge(candidate: Candidate, lines: int) -> Candidate:
    """The candidate with its score: 0 if it is not a session key, else up to 1."""
    found = candidate.found.filter(~pl.col("key").str.to_lowercase().is_in(NO_KEYS))
    covered = found["row"].n_unique()
    groups = found.group_by("key").agg(size=pl.len(), span=pl.col("row").max() - pl.col("row").min())
    coverage = covered / max(1, lines)
    score = 0.0
    if coverage >= _MIN_COVERAGE and groups.height >= _MIN_GROUPS:
        joined = groups.filter(pl.col("size") > 1)
        joined_share = float(joined["size"].sum()) / found.height
        joined_groups = joined.height / groups.height
        span = float(joined["span"].median() or 0.0) / lines if joined.height else 1.0  # type: ignore[arg-type]
        largest = float(groups["size"].max() or 0) / lines  # type: ignore[arg-type]
        often = joined_share >= _MIN_JOINED and joined_groups >= _MIN_JOINED_GROUPS
        if often and span <= _MAX_SPAN and largest <= _MAX_GROUP_SHARE:
            score = coverage * joined_share * (1 - span)
    return replace(candidate, found=found, coverage=coverage, groups=groups.height, score=score)


def field_pattern(names: tuple[str, ...], value: str = r"[A-Za-z0-9][A-Za-z0-9_.:-]*", between: str = _BETWEEN) -> str:
    """The expression for the value of a named field, in any of the usual notations."""
    return rf"\b(?:{'|'.join(re.escape(name) for name in names)}){between}({value})"


def _found(texts: pl.Series, pattern: str) -> pl.DataFrame:
    """`row`, `key` of whole matches; a line that names a value twice counts once."""
    return (
        texts.to_frame("text")
        .select(row=pl.int_range(pl.len(), dtype=pl.Int64), key=pl.col("text").str.extract_all(pattern))
        .explode("key")
        .drop_nulls()
        .unique(maintain_order=True)
    )


def _prefixed(texts: pl.Series) -> Iterator[Candidate]:
    """Values such as blk_123 or req-0a1b: letters, a separator, digits."""
    found = _found(texts, _PREFIXED).filter(pl.col("key").str.count_matches(r"\d") >= 2)
    found = found.with_columns(
        prefix=pl.col("key").str.extract(_PREFIXED, 1)
    ).drop_nulls()  # `run-12345-` of run-12345-x
    for prefix, part in _frequent(found, "prefix", texts.len()):
        values = part["key"].str.slice(len(prefix))
        if re.fullmatch(r"[a-f]+-", prefix):  # the beginning of a UUID
            continue
        shape = r"-?[0-9]+" if values.str.contains(r"^-?\d+$").all() else r"[0-9a-f][0-9a-f_-]*"
        pattern = rf"\b{re.escape(prefix)}{shape}"
        yield Candidate(Both.same(f"{prefix}…"), pattern, (), part.select("row", "key"))


def _glued(texts: pl.Series) -> Iterator[Candidate]:
    """Values such as conn4711, letters and digits without a separator; after `name=` the name is more informative."""
    glued = _found(texts, _GLUED).with_columns(prefix=pl.col("key").str.extract(_GLUED, 1))
    for prefix, part in _frequent(glued, "prefix", texts.len()):
        named = texts.gather(part["row"].unique()).str.contains(rf"\w(?:[=:]|[\"'][=:]\s?)[\"']?{prefix}\d{{4,12}}\b")
        if prefix.lower() not in _NOT_KEYS and not named.mean() > 0.5:  # type: ignore[operator]
            pattern = rf"\b{prefix}\d{{4,12}}\b"
            yield Candidate(Both.same(f"{prefix}…"), pattern, (), part.select("row", "key"))


def _named(texts: pl.Series) -> Iterator[Candidate]:
    found = pl.concat(
        _found(texts, named).with_columns(
            name=pl.col("key").str.extract(named, 1), value=pl.col("key").str.extract(named, 2)
        )
        for named in _NAMED
    )
    found = found.filter(
        (pl.col("value").str.count_matches(r"\d") >= 2)
        & ~pl.col("value").str.contains(_DATE_LIKE)
        & ~pl.col("name").str.to_lowercase().is_in(list(_NOT_KEYS))
    ).select("row", "name", key="value").unique(maintain_order=True)  # fmt: skip
    for name, part in _frequent(found, "name", texts.len()):
        shape = value_shape(part["key"])
        between = _MARKED if _takes_words(texts, name, shape, part) else _BETWEEN
        pattern = field_pattern((name,), shape, between)
        yield Candidate(Both.same(name), pattern, (name,), part.select("row", "key"), between=between)


def _takes_words(texts: pl.Series, name: str, shape: str, part: pl.DataFrame) -> bool:
    """Whether words follow the name in sentences, `task accepted`, and nearly all its values stand behind a mark."""
    met = _found(texts, field_pattern((name,), shape))
    values = met["key"].str.extract(field_pattern((name,), shape), 1)
    if not (values.str.count_matches(r"\d") == 0).any():
        return False
    marked = _found(texts, field_pattern((name,), shape, _MARKED))["row"].unique()
    rows = part["row"].unique()
    return float(rows.is_in(marked.implode()).mean() or 0.0) >= _NEARLY_AS_GOOD  # type: ignore[arg-type]


def _frequent(found: pl.DataFrame, by: str, lines: int) -> Iterator[tuple[str, pl.DataFrame]]:
    counts = found.group_by(by, maintain_order=True).len().filter(pl.col("len") >= max(2, _ALIAS_ADDS * lines))
    for name in counts.sort("len", descending=True, maintain_order=True)[by].head(_MAX_NAMES):
        yield name, found.filter(pl.col(by) == name)


def _with_aliases(best: Candidate, others: list[Candidate], sample: pl.DataFrame) -> Candidate:
    """The best candidate with all names under which its values occur in other lines."""
    found, names, betweens = best.found, list(best.names), {best.between}
    for other in others:
        if not other.names or other.names[0] in names:
            continue
        values = other.found["key"].unique()
        shared = float(values.is_in(found["key"].unique().implode()).mean() or 0.0)  # type: ignore[arg-type]
        new = other.found.join(found, on="row", how="anti")
        if shared >= _ALIAS_SHARED and new["row"].n_unique() >= _ALIAS_ADDS * sample.height:
            names.append(other.names[0])
            betweens.add(other.between)
            found = pl.concat([found, new])
    if len(names) == 1:
        return best
    between = _BETWEEN if _BETWEEN in betweens else _MARKED
    pattern = field_pattern(tuple(names), value_shape(found["key"]), between)
    return Candidate(Both(" or ".join(names), ", ".join(names)), pattern, tuple(names), found, between=between)


def _with_nameless(best: Candidate, sample: pl.DataFrame) -> Candidate:
    """The best, and its values where they stand without a name, as in `[orders,3305e06fd0]`.

    Where nearly everything of the values' shape is a value of the key, the shape alone is looked for; else the
    values behind the same opening, such as `[orders,`.
    """
    shape = value_shape(best.found["key"])
    values = best.found["key"].unique().implode()
    everywhere = _found(sample["text"], rf"\b{shape}\b")
    met = everywhere.join(_seen_by_all(best, sample), on="row", how="semi")
    nameless = met.filter(pl.col("key").is_in(values)).join(best.found, on="row", how="anti")
    if nameless["row"].n_unique() < _ALIAS_ADDS * sample.height:
        return best
    name = Both(f"{best.name.en}, also without the name,", f"{best.name.ko} (이름 없이 나온 값 포함)")
    shortest = int(best.found["key"].str.len_chars().min())  # type: ignore[arg-type]
    if shortest >= _MIN_SHAPE_CHARACTERS and int(met["key"].is_in(values).sum()) >= _SHAPE_IS_KEY * met.height:
        return Candidate(name, rf"\b{shape}\b", best.names, everywhere)
    openings = _openings(sample["text"], nameless)
    if not openings:
        return best
    named = "|".join(re.escape(name) for name in best.names)
    pattern = rf"(?:\b(?:{named}){best.between}|{'|'.join(openings)})({shape})\b"
    found = _found(sample["text"], pattern).with_columns(pl.col("key").str.extract(pattern, 1))
    return Candidate(name, pattern, best.names, found)


def _seen_by_all(best: Candidate, sample: pl.DataFrame) -> pl.DataFrame:
    """The `row`s up to the end of the first of the sources that name the key.

    The samples of busy sources end earlier than those of quiet ones; later values may be unknown for that alone.
    """
    rows = sample.select("source", row=pl.int_range(pl.len(), dtype=pl.Int64))
    naming = rows.join(best.found, on="row", how="semi").group_by("source").agg(pl.len(), pl.col("row").max())
    last = naming.filter(pl.col("len") >= _MUCH * pl.col("len").max())["row"].min()
    return rows.filter(pl.col("row") <= last).select("row")


def _openings(texts: pl.Series, found: pl.DataFrame) -> list[str]:
    """Expressions for the openings `[word,` that a value of `found` (`row`, `key`) follows in many lines."""
    counts: Counter[str] = Counter()
    for row, key in found.select("row", "key").iter_rows():
        opening = re.search(r"[\[({<|](?:[\w. -]*[,:|] ?)*$", texts[row].partition(key)[0])
        if opening:
            counts[opening[0]] += 1
    return [
        re.escape(opening) for opening, count in counts.most_common(_MAX_NAMES) if count >= _ALIAS_ADDS * len(texts)
    ]
