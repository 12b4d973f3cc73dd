"""The kind of a word of a masked message by its form: a value, a name, or a word that distinguishes events."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from http import HTTPStatus

from isang.logs.parsing.inferred.levels import ERROR_LEVELS, WARNING_LEVELS
from isang.logs.parsing.masks import PROSE, SLOT, TELLING

_OPPOSITES = (
    "accept", "activ", "add", "allow", "appear", "attach", "begin", "block", "broke", "close", "closing", "complet",
    "connect", "continu", "creat", "deactiv", "delet", "deni", "deny", "detach", "disab", "disappear", "disconnect",
    "down", "drop", "enab", "end", "err", "exce", "exist", "exit", "expir", "fail", "fals", "fatal", "finish", "found",
    "good", "grant", "halt", "healthy", "invalid", "join", "kill", "leave", "left", "load", "lock", "login", "logout",
    "lost", "miss", "mount", "no", "normal", "not", "off", "offline", "ok", "on", "online", "open", "ready", "reject",
    "remov", "reset", "restart", "resum", "refus", "revok", "run", "shut", "start", "stop", "succe", "suspend",
    "timeout", "true", "unavail", "unload", "unlock", "unplug", "plug", "up", "valid", "warn", "yes",
)  # fmt: skip
_SHORT = {"add", "end", "err", "no", "not", "off", "ok", "on", "run", "up", "down", "left", "join", "true", "yes"}
"""These match only as whole words: `one` is not `on`."""
_PHRASES = {status.phrase.replace(" ", "_") for status in HTTPStatus}
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CLASS_OF_ERROR = re.compile(r"(?:Exception|Error|Failure|Fault|Warning|Timeout|FAIL|ERROR)$")
NAMES_FOLLOW = frozenset(
    (
        "user", "username", "login", "account", "host", "hostname", "group", "table", "database", "db", "file",
        "folder", "directory", "bucket", "topic", "queue", "service", "unit", "pod", "container", "image",
        "device", "interface", "package", "repository", "branch", "named", "key", "property", "attribute",
        "field", "parameter", "option", "variable", "column", "called", "principal", "role",
        "realm", "benutzer", "utilisateur", "usuario", "compte", "cuenta", "konto", "hôte", "fichier", "datei",
        "archivo", "tabelle", "tabla",
        "사용자", "계정", "호스트", "파일", "테이블", "用户", "主机", "文件", "ユーザー", "ホスト", "ファイル",
    )
)  # fmt: skip
"""After these words stands a name, in the languages that logs are most written in."""
_GRAMMAR = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "be", "by", "can", "cannot", "could", "did", "do", "does", "for",
        "from", "had", "has", "have", "if", "in", "into", "is", "it", "its", "must", "of", "or", "that", "the",
        "their", "then", "this", "to", "was", "were", "when", "which", "while", "will", "with", "would",
    )
)  # fmt: skip
_JOINED = re.compile(r"[^\W_][._/@$\\][^\W_]|^[a-z0-9][a-z0-9-]*-[a-z0-9]")
_NUMBERED = re.compile(r"[A-Za-z]+0")
_EDGES = "\"'()[]{},;:.!?"


_MARK = re.compile(r"^<(?:error|warning|normal)> ")


def severity(level: str | None) -> str:
    """`error`, `warning` or `normal`: lines of one text are two events where these differ."""
    upper = (level or "").upper()
    return "error" if upper in ERROR_LEVELS else "warning" if upper in WARNING_LEVELS else "normal"


def marked(text: str, severe: str) -> str:
    """The text of a template that another one of another severity has too."""
    return f"<{severe}> {text}"


def without_mark(text: str) -> str:
    """The text of a template without what `marked` put before it."""
    return _MARK.sub("", text)


def core(word: str) -> str:
    """A word without the punctuation around it."""
    return word.strip(_EDGES)


def is_outcome(word: str) -> bool:
    """Whether a word is, or has in it, what has an opposite: true, Failed, network-vif-unplugged, Not_Found."""
    return _outcome(word.strip(_EDGES))


@lru_cache(1 << 16)
def _outcome(core: str) -> bool:
    if core in _PHRASES or _CLASS_OF_ERROR.search(core):
        return True
    for part in _PART.findall(core):
        small = part.lower()
        if small in _SHORT or (small not in _SHORT and small.startswith(_STEMS)) or small in _WHOLE:
            return True
    return False


_WHOLE = frozenset(_OPPOSITES)
_STEMS = tuple(stem for stem in _OPPOSITES if stem not in _SHORT and len(stem) > 3)


_CALLED = re.compile(r"^([\w.-]+[\[(]|\[)([^\[\]()]+)([\])][.,:;]?)$")
_STRONG = re.compile(
    r"(?i)(?:.*[_=:.-])?(?:true|false|yes|no|up|down|ok|on|off|success(?:ful(?:ly)?)?|succeeded|fail(?:ed|ure|ing)?"
    r"|errors?|den(?:ied|y)|refused|rejected|accepted|granted|timeout|expired|online|offline|enabled|disabled|invalid"
    r"|valid|lost|crashed|killed|unreachable|unavailable|healthy|unhealthy)"
)


@lru_cache(1 << 16)
def is_failure_or_success(word: str) -> bool:
    """Whether a word alone says how something went; no slot takes it in."""
    core = word.strip(_EDGES)
    return core in _PHRASES or _STRONG.fullmatch(core) is not None


@lru_cache(1 << 16)
def is_name(word: str) -> bool:
    """Whether a word has the form of a name (`foo.bar`, `nova-api`, `a_b`, `Foo.bar`, `blk<*>`) and is no outcome
    word."""
    core = word.strip(_EDGES)
    if core == SLOT or "=" in core or core.isupper() or any(sign in core for sign in "()[]{}"):
        return False
    inside = core.replace(SLOT, "0").strip("<>")
    return (_JOINED.search(inside) is not None or _NUMBERED.fullmatch(inside) is not None) and not _outcome(core)


def is_grammar(word: str) -> bool:
    """Whether a word is grammatical: a name cannot replace it."""
    core = word.strip(_EDGES)
    small = core.lower()
    return small in _GRAMMAR or core.isupper() or is_outcome(word) or small.endswith(("ed", "ing"))


def has_words(text: str) -> bool:
    """Whether anything but slots and punctuation is there."""
    return any(map(str.isalnum, text.replace(SLOT, "")))


def named_value(word: str) -> str | None:
    """The name with its sign, `user=`, of a word whose value is one of few words but not informative; else None."""
    name, sign, value = word.partition("=")
    if not sign or SLOT in value or name.strip(_EDGES).lower() in _TELLING or is_outcome(value):
        return None
    return name + sign


def names_in(words: Sequence[str]) -> Iterator[str]:
    """Words that stand as names or values: behind `user` and the like, or behind their name and a sign, `user=ann`."""
    before = ""
    for word in words:
        name = named_value(word)
        value = word.strip(_EDGES) if name is None else word[len(name) :].strip(_EDGES)
        if (name is not None or names_follow(before)) and value.isalpha() and not is_grammar(value):
            yield value
        before = word


def behind_name(word: str) -> str:
    """`user=<*>` for `user=ann`, `(user=<*>),` for `(user=ann),`; other words as they are."""
    name = named_value(word)
    return word if name is None else name + SLOT + word[len(word.rstrip(",;)]}")) :]


@lru_cache(1 << 16)
def in_brackets(word: str) -> str:
    """`Set(<*>)` for `Set(ann)`, `[<*>]` for `[ann]` and the like; other words, and outcomes, as they are."""
    found = _CALLED.match(word)
    return word if found is None or is_failure_or_success(found[2]) else f"{found[1]}{SLOT}{found[3]}"


def names_follow(word: str) -> bool:
    """Whether a name follows this word."""
    return word == "=" or word.strip(_EDGES + "=").lower() in NAMES_FOLLOW


_GROUP = re.compile(r"\{[^{}\[\]()]*\}|\[[^{}\[\]()]*\]|\([^{}\[\]()]*\)")
_TO_SAFE, _FROM_SAFE = (
    str.maketrans("{}[]()", "\ue001\ue002\ue003\ue004\ue005\ue006"),
    str.maketrans("\ue001\ue002\ue003\ue004\ue005\ue006", "{}[]()"),
)
_OUTCOMES = ("status", "state", "result", "res", "outcome", "phase", "verdict", "success", "ready", "health")
_TOLD = re.compile(rf"\b(?i:{'|'.join(_OUTCOMES)})['\"]?[:=] ?['\"]?(?:[A-Za-z]+(?:[_-][A-Za-z]+)*)\b")
_PAIR = re.compile(
    r"(?<![\w<>*!=])([A-Za-z_][\w.:-]*)=(?!=)"
    r"(\"[^\"]*\"|'[^']*'|[\w.:<>*-]*[\[{(]+<\*>[\]})]+[^\s,;)\]}]*|[^\s,;)\]}]*)"
)
_MANY_PAIRS = re.compile(r"[\w.:-]+=[^\s,]*(?:, ?[\w.:-]+=[^\s,]*){11,}")
_ITEMS = re.compile(r"(\w+[\ue001\ue003\ue005]<\*>[\ue002\ue004\ue006])(?:[,;:|]? ?\1)+")
_SLOTS = re.compile(r"<\*>(?:[ ,;:./@+|_-]*\*?[ ,;:./@+|_-]*<\*>)+")
_OPENING = re.compile(r"[{\[(]")
_CALL = re.compile(r"[A-Za-z_]\w*\ue005<\*>\ue006")
_RANDOM = re.compile(r"[A-Za-z]*(?:[a-z][A-Z][A-Za-z]*){2,}")
_TOUCHED = re.compile(r"[\w-]*<\*>[\w<>*-]*")
_HUMP = re.compile(r"[a-z](?=[A-Z])")
_DEEPEST = 12
_MAY_BE_CUT = 300
"""In messages longer than this many characters, an unclosed bracket means that the end was cut off."""
_ASSIGNED = re.compile(r"\w[=:] ?(?=[\w<(\[{+-])")
_TRUTH = re.compile(r"(?<![\w.-])(?P<name>[A-Za-z][\w.-]*)(?P<sign>[=:] ?)(?i:true|false)\b(?![\w.=-])")
MANY_PAIRS = 3
"""In a dump with at least this many `name=value` or `name: value`, `true` is one of many values and not an outcome."""
_PLAIN = re.compile(r"[A-Za-z]+(?:[_-][A-Za-z]+)*[.!]?")


def without_values(message: str) -> str:
    """A masked message with slots for the contents of structures: lists, sets, objects, arguments and `name=value`.

    Outcomes are kept: `state=failed`, `Ready=false`.
    """
    if "{" in message or "[" in message or "(" in message:
        message = _structures(message)
    if "=" in message:
        if message.count("=") > 11:
            message = _MANY_PAIRS.sub(lambda found: " ".join((SLOT, *_told(found[0]))), message)
        message = _PAIR.sub(_pair, message)
    if len(_ASSIGNED.findall(message)) >= MANY_PAIRS:
        message = _TRUTH.sub(_truth, message)
    if _RANDOM.search(message) is not None:
        message = _TOUCHED.sub(_whole, message)
    return _SLOTS.sub(SLOT, message)


def _whole(found: re.Match[str]) -> str:
    """A slot for all of a word of which a part is a slot and the rest a jumble of capitals, such as base64."""
    rest = found[0].replace(SLOT, "-")
    jumbled = any(len(part) <= 3 * (1 + len(_HUMP.findall(part))) for part in _RANDOM.findall(rest))
    return SLOT if jumbled else found[0]


def _structures(message: str) -> str:
    shorter = message if "..." not in message else _without_cut_data(message)
    for _ in range(_DEEPEST):
        before, shorter = shorter, _ITEMS.sub(r"\1", _GROUP.sub(_group, shorter))
        if shorter == before:
            break
    if len(message) > _MAY_BE_CUT:
        cut = _OPENING.search(shorter)
        shorter = shorter if cut is None else shorter[: cut.end()] + SLOT
    return shorter.translate(_FROM_SAFE)


def _without_cut_data(message: str) -> str:
    """Replace data that a program truncated with an ellipsis by a slot."""
    end = message.index("...")
    opened: list[int] = []
    for place, sign in enumerate(message[:end]):
        if sign in "([{":
            opened.append(place)
        elif sign in ")]}" and opened:
            opened.pop()
    start = next((place for place in opened if message[place - 1 : place] in (":", "=")), opened[0] if opened else end)
    inside = message[start + 1 : end]
    return message[: start + 1] + SLOT + message[end:] if "," in inside or SLOT in inside else message


def _group(found: re.Match[str]) -> str:
    text = found[0]
    opening, inside, closing = text[0], text[1:-1], text[-1]
    if opening == "{":
        data = not inside.strip() or any(sign in inside for sign in ":=,") or SLOT in inside
    elif opening == "[":
        data = not inside.strip() or "," in inside or inside.strip() == SLOT or _CALL.fullmatch(inside) is not None
    else:
        before = found.string[found.start() - 1 : found.start()]
        called = before.isalnum() or before == "_"
        data = ("," in inside and (called or SLOT in inside or "=" in inside)) or (
            called and ("=" in inside or "->" in inside)
        )
    if not data:
        return text.translate(_TO_SAFE)
    told = _told(inside)
    inside = f"{SLOT} {' '.join(told)} " if told else SLOT
    return f"{opening}{inside}{closing}".translate(_TO_SAFE)


def _told(inside: str) -> list[str]:
    """The pairs with telling names, each once, in the order of the alphabet."""
    found = {re.sub(r"['\"]?[:=] ?['\"]?", "=", pair) for pair in _TOLD.findall(inside)} if _may_tell(inside) else ()
    return sorted(found)


def _may_tell(inside: str) -> bool:
    return "=" in inside or ":" in inside


def _truth(found: re.Match[str]) -> str:
    name = found["name"]
    return found[0] if name.lower() in _TELLING or is_outcome(name) else f"{name}{found['sign']}{SLOT}"


def _pair(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    core = value.strip("\"'")
    if _PLAIN.fullmatch(value) or (_PLAIN.fullmatch(core) and (name.lower() in _TELLING or is_outcome(core))):
        return f"{name}={core}"
    if name.lower() in _PROSE_NAMES:
        return found[0]
    if value.isdigit() or (value[:1] == "-" and value[1:].isdigit()):  # kept by the masks: an outcome
        return found[0]
    return f"{name}={SLOT}"


_TELLING = frozenset(TELLING)
_PROSE_NAMES = frozenset(PROSE)
