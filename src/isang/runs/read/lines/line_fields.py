"""The numbers of one line of text and their names: dates, progress bars, `key=value` pairs, rows below a heading."""

import re

from isang.runs.read.lines.headings import Captured, cells_below
from isang.runs.read.series_names import is_held_out, priority, role

_NUMBER = (
    r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|"
    r"(?:nan|NaN|NAN|inf|Inf|INF|Infinity)\b)"
)
_PAIR = re.compile(
    r"(?<![\w./@%])(?P<before>(?:(?!(?:nan|inf)[ ])[^\W\d]\w{0,30}(?:'s)?[ ]){0,3})"
    r"[\"']?(?P<key>[^\W\d][\w./@%-]{0,99})[\"'\]]?"
    r"(?P<note>[ ]?\([^()\d]{1,14}\))?(?P<separator>[ \t]{0,9}[=:\uff1a][ \t]{0,30}|[ \t]{1,9})"
    r"[\[\"'(]{0,2}(?:tensor\(|np\.float\d\d\()?(?P<value>" + _NUMBER + r")"
    r"(?:[ \t]{0,9}/[ \t]{0,9}(?P<total>\d[\d,]*)(?![\d.]*[/\w]))?"
    r"(?P<unit>[ \t]?(?:ms|s|sec|seconds|k|K|M|B|GiB|GB|MB)\b(?![ \t]*[=:]))?"
)
_DATE = re.compile(
    r"(?P<year>(?:19|20)\d\d)[-/](?P<month>\d\d)[-/](?P<day>\d\d)[ T](?P<hour>\d\d):(?P<minute>\d\d)"
    r":(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,6}))?"
)
_AMERICAN_DATE = re.compile(
    r"(?P<month>\d\d)/(?P<day>\d\d)/(?P<year>(?:19|20)\d\d) (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r"(?:[.,](?P<fraction>\d{1,6}))?"
)
_PLACED = tuple(
    re.compile(pattern)
    for pattern in (
        # Epoch: [3][ 100/5005], Epoch(train) [3][100/500], Train: 3 [ 100/1000 ( 10%)], Train Epoch: 3 [640/60000 (1%)]
        r"(?:[Ee]poch|Train)(?:\(train\))?:? *\[?(?P<epoch>\d+)\]? *"
        r"\[ *(?P<batch>\d+)/(?P<batches>\d+)(?: \( *\d+%\))?\]",
        # [3/25][100/1583], | epoch   3 |   200/ 2983 batches |
        r"^ ?\[(?P<epoch>\d+)/(?P<epoch_total>\d+)\] ?\[ *(?P<batch>\d+)/(?P<batches>\d+)\]",
        r"\bepoch +(?P<epoch>\d+) +\| +(?P<batch>\d+)/ *(?P<batches>\d+) batches\b",
        r"\bTraining:? +\[ *(?P<step>\d+)/(?P<step_total>\d+)\]",
        r"Ep\. (?P<epoch>\d+) : Up\. (?P<step>\d+) :",  # Marian
        r"fit progress: \((?P<step>\d+), (?P<held_out>\d+\.\d+(?:e-?\d+)?),",  # Flower
        r"Iter\(train\) *\[ *(?P<step>\d+)/(?P<step_total>\d+)\]",
        r"^(?P<epoch>\d+)\|(?P<step>\d+)\|Loss: ",  # torchtune's bar
        r"(?<!\w)(?P<epoch>\d+)epoch:train:\d+-(?P<step>\d+)batch|(?<!\w)(?P<epoch_too>\d+)epoch results:",  # ESPnet
        r"^\[(?P<step>\d+)\]\t|^(?P<step_too>\d+):\t",  # rounds of boosted trees
        # clu: `logging_writer.py:48] [50] loss=3.1`; river: `[1,000] LogLoss: 0.52`
        r"(?:^|\] )\[(?P<step>\d+|\d{1,3}(?:,\d{3})+)\] (?=[A-Za-z_][\w/]*(?:=|: \d))",
        r"^ *(?P<batch>\d+)/(?P<batches>\d+) (?:\[[=>.]+\]|\u2501)",  # Keras
        r"(?:^|[:\]] ?)\[(?P<step>\d+), (?P<rate>\d(?:\.\d+)?e-\d+|0\.\d+)\]$",  # VITS and what came of it
        r"第 ?(?P<epoch>\d+)(?: ?/ ?(?P<epoch_total>\d+))? ?[轮輪]",
        r"(?P<batch>\d+)/(?P<batches>\d+) \[(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d\d)<",  # tqdm
    )
)
"""How tools write where in the run a line stands, without a name that says so."""
_PARTS = {
    "epoch": ("epoch", 1.0), "epoch_too": ("epoch", 1.0), "step": ("step", 1.0), "step_too": ("step", 1.0),
    "step_total": ("@step_total", 1.0), "epoch_total": ("@epoch_total", 1.0), "rate": ("learning_rate", 1.0),
    "held_out": ("val_loss", 1.0),
    "batch": ("@batch", 1.0), "batches": ("@batches", 1.0), "hours": ("@bar_seconds", 3600.0),
    "minutes": ("@bar_seconds", 60.0), "seconds": ("@bar_seconds", 1.0),
}  # fmt: skip
_KALDI = re.compile(
    r"verage objective function for '\w+' for minibatches \d+-(?P<step>\d+) is (?P<objf>-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)"
)
"""Its log-likelihood, which rises."""
_KERAS = next(pattern for pattern in _PLACED if "=>." in pattern.pattern)
_CATBOOST = re.compile(r"^\d+:\tlearn: ")
_FAIRSEQ_EPOCH = re.compile(r"\| train \| (?:epoch \d+ \| |\{)")
"""The line at the end of an epoch, beside those of its intervals, which begin with `train_inner`."""
_HELD_OUT_LINE = re.compile(
    r"^(?:[^\]]{0,80}\] +)?[\W\d]*(?:\w+ [-|] )?(?:val|valid|validation|eval|test)\b"
    r"(?:\s*[\[\]:(|-]| set:| loss at | error:"
    r"| (?:results?|metrics|net output|performance|epoch|step|iter|iteration)\b)"
    r"|^[^=]*[,|] (?:val|valid|validation|eval|test): (?=\w+=)"
    r"|\| *(?:val|valid|validation|eval|test) *\|"
    r"|Saving dict for global step \d",  # TensorFlow's estimators
    re.IGNORECASE,
)
_PARTED = re.compile(
    r"(?:^|[\s|,;>-])[\[(]?(?P<split>train|training|val|valid|validation|eval|test|dev)"
    r"(?:[\])]:?|[ ]?:|[ ]?[|>-])[ ]+(?![\d.+-])",
    re.IGNORECASE,
)
"""Matches the prefix of a data set's numbers in a line with several: `[train] loss=.., [valid] loss=..`."""
_NEW_RATE = re.compile(
    r"(?:learning rate|LR|lr)(?: of group (?P<group>\d+))? (?:to|->|from [\d.e-]+ to) ?"
    r"(?P<rate>\d[\d.]*(?:e[-+]?\d+)?)(?![\d%])"
)
"""What a scheduler says when it lowers the rate: `reducing learning rate of group 0 to 1.0000e-04.`"""
_NUMBER_FIRST = re.compile(
    r"(?:^|, )(?P<value>[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|-?nan) (?P<key>[a-z]+(?: [a-z]+)?)(?=,|$)"
)
_FIRST_LOSS = re.compile(r"^ ?(?P<step>\d+): (?P<loss>\d+\.\d+|-?nan), (?=(?:[\d.]+|-?nan) avg)")
"""darknet's lines: `12: 6.5, 7.1 avg loss, 0.001 rate, 3.1 seconds, 768 images`."""
_CLOCK = re.compile(r":(?P<second>\d\d)(?::(?P<third>\d\d))?(?![\d:])")
_THOUSANDS = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9}
_LEVELS = frozenset(
    (
        "info", "debug", "warning", "error", "root", "train", "training", "validation", "val", "eval", "rank", "step",
        "done", "at", "with", "epoch_end", "resumed", "stopped",
    )
)  # fmt: skip
"""Words before a name that do not belong to it."""
_PLACE = re.compile(r"\.(?:py|cc|cpp|h|json|txt|so|html|com|org)$|://|^\w+/\w+/")
"""Names before a colon and a number that are places in files, not series."""


def numbers_of_line(text: str, heading: tuple[str, ...] = ()) -> Captured:
    """The positions of the numbers with a name, in the line itself or in the last heading above it.

    Names that begin with `@` are parts of a date or positions in the run; a line with no others holds no data.
    """
    captured: Captured = {}
    scanned = _scan_time(text, captured)
    _scan_place(text, captured)
    _scan_kaldi(text, captured)
    _scan_new_rate(text, captured)
    _scan_number_first(text, captured)
    _scan_pairs(text, scanned, captured, bool(_HELD_OUT_LINE.search(text[scanned : scanned + 200])))
    if heading and not any(role(name) in ("loss", "validation", "mean") for name, _ in captured.values()):
        return cells_below(text, heading) | captured
    return captured


def _scan_time(text: str, captured: Captured) -> int:
    """Capture the line's date; return where the text after it begins."""
    match = _DATE.search(text[:120]) or _AMERICAN_DATE.search(text[:120])
    if not match:
        return 0
    for part, name, scale in (
        ("year", "@year", 1.0), ("month", "@month", 1.0), ("day", "@day", 1.0),
        ("hour", "@time", 3600.0), ("minute", "@time", 60.0), ("second", "@time", 1.0),
    ):  # fmt: skip
        captured[match.span(part)] = (name, scale)
    if match.group("fraction"):
        captured[match.span("fraction")] = ("@time", 10.0 ** -len(match.group("fraction")))
    return match.end()


def _scan_place(text: str, captured: Captured) -> None:
    """Capture what says where in the run the line stands."""
    match = next((found for pattern in _PLACED if (found := pattern.search(text))), None)
    if match is None:
        return
    for part, value in match.groupdict().items():
        if value is not None:
            captured[match.span(part)] = _PARTS[part]


def _scan_kaldi(text: str, captured: Captured) -> None:
    if match := _KALDI.search(text):
        captured[match.span("step")], captured[match.span("objf")] = ("step", 1.0), ("objf", 1.0)


def _scan_new_rate(text: str, captured: Captured) -> None:
    """Capture the rate that a scheduler says it sets."""
    if match := _NEW_RATE.search(text):
        group = match["group"]
        captured[match.span("rate")] = (f"learning rate group {group}" if group else "learning rate", 1.0)
        if group:
            captured[match.span("group")] = ("@group", 1.0)


def _scan_number_first(text: str, captured: Captured) -> None:
    """Capture numbers whose names stand after them, between commas."""
    found = list(_NUMBER_FIRST.finditer(text))
    if sum(role(match["key"]) is not None for match in found) < 2:
        return
    for match in found:
        name = "learning rate" if match["key"] == "rate" else match["key"]
        if name not in (known for known, _ in captured.values()):
            captured[match.span("value")] = (name, 1.0)
    if first := _FIRST_LOSS.search(text):
        captured[first.span("step")] = ("step", 1.0)
        captured[first.span("loss")] = ("loss", 1.0)


def _splits(text: str, start: int) -> list[tuple[int, str]]:
    """The positions where the numbers of each data set begin in a line with several; else empty."""
    found = [(match.end(), match["split"].lower()) for match in _PARTED.finditer(text, start)]
    return found if len({split[:2] for _, split in found}) > 1 else []


def _scan_pairs(text: str, start: int, captured: Captured, held_out: bool) -> None:
    taken = {name for name, _ in captured.values()}
    position = start
    splits = _splits(text, start)
    losses: list[tuple[tuple[int, int], str]] = []  # those of a held-out set
    while match := _PAIR.search(text, position):
        name = _name_of(match, held_out and not splits)
        split = next((split for begins, split in reversed(splits) if begins <= match.end("key")), "")
        if name and split and role(name) not in ("step", "epoch", "rate") and not is_held_out(name):
            name = f"{split}/{name.split()[-1]}"
        if name == "val_loss" and (said := _said_name(match) or "") != name:
            losses.append((match.span("value"), said))
            name = name if len(losses) == 1 else f"val_{said}"
        overlaps = any(span[0] < match.end("value") and match.start("value") < span[1] for span in captured)
        path_like = (
            text[match.end("value") :][:1] == "/" and role(name or "") in ("epoch", "step") and not match["total"]
        )
        if name is None or name in taken or overlaps or path_like:
            position = match.end("value") if match.group("separator").strip() else match.end("key")
            continue
        taken.add(name)
        captured[match.span("value")] = (name, _scale(match, name))
        if role(name) in ("elapsed", "seconds") and (clock := _CLOCK.match(text, match.end("value"))):
            _capture_clock(match, clock, name, captured)
        if match.group("total") and role(name) in ("step", "epoch"):
            captured[match.span("total")] = (f"@{role(name)}_total", 1.0)
        elif match.group("total") and role(name) == "batch":
            captured[match.span("total")] = ("@batches", 1.0)
        position = match.end()
    _total_first(losses, captured)


def _total_first(losses: list[tuple[tuple[int, int], str]], captured: Captured) -> None:
    """Among several losses of a held-out set, use the total as the validation loss, wherever it is among its parts."""
    if len(losses) > 1:
        (first, said), (span, _) = losses[0], min(losses, key=lambda found: priority(found[1]))
        if span != first and span in captured and first in captured:
            captured[span], captured[first] = captured[first], (f"val_{said}", captured[first][1])


def _capture_clock(match: re.Match[str], clock: re.Match[str], name: str, captured: Captured) -> None:
    """Capture `1:02:03` or `12:30` as seconds."""
    parts = [match.span("value"), clock.span("second")] + ([clock.span("third")] if clock["third"] else [])
    for place, span in enumerate(reversed(parts)):
        captured[span] = (name, 60.0**place)


def _name_of(match: re.Match[str], held_out: bool) -> str | None:
    """The name of a pair: the longest known one; a pair without `=` or `:` needs a known name."""
    name = _said_name(match)
    if held_out and role(name or "") in ("loss", "mean"):
        return "val_loss"
    if name is None and match.string[: match.start("key")].endswith("(") and is_held_out(match["key"]):
        return "val_loss"  # loss: 0.41 (val 0.43)
    if held_out and role(name or "") == "perplexity":
        return "val_ppl"
    if role(name or "") == "loss" and _KERAS.search(match.string):
        return "running_loss"  # its bar shows the mean since the start of the epoch
    if role(name or "") == "norm" and "NNZs: " in match.string:
        return "weight norm"  # scikit-learn's linear models
    if role(name or "") == "loss" and _FAIRSEQ_EPOCH.search(match.string):
        return "avg_loss"
    if name in ("learn", "test") and _CATBOOST.search(match.string):
        return f"{name} loss"
    return name


def _said_name(match: re.Match[str]) -> str | None:
    key = match.group("key").rstrip(".-/")
    spoken = match.group("before").split()
    if key in ("is", "was") and spoken:  # Loss is 1.26
        key = spoken.pop()
    if spoken and is_held_out(spoken[-1]) and role(key) == "batch":
        return f"{spoken[-1]} {key}"  # of an evaluation
    measured = ("validation", "perplexity", "metric")
    if spoken and is_held_out(spoken[-1]) and role(f"{spoken[-1]} {key}") in measured:
        return f"{spoken[-1]} {key}"
    words = [word for word in spoken if word.lower() not in _LEVELS]
    known = role(key)
    explicit = bool(match.group("separator").strip())
    if known in ("step", "epoch") and not explicit:
        return key  # "validation loss at iteration 100"
    for count in range(len(words), 0, -1):
        joined = " ".join([*words[-count:], key])
        if role(joined) is not None:
            return joined
    if known in ("step", "epoch", "batch") and explicit and words:
        return " ".join([*words, key])  # "number of skipped iterations: 0" is not a step
    if known is None and (not explicit or _PLACE.search(key)):
        return None
    return key or None


def _scale(match: re.Match[str], name: str) -> float:
    unit = (match.group("unit") or match.group("note") or "").strip(" ()")
    if unit == "ms" and role(name) in ("seconds", "elapsed", "data", "evaluation"):
        return 1e-3
    if unit in _THOUSANDS and role(name) == "step":
        return _THOUSANDS[unit]
    return 1.0
