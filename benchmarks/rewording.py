"""A new release of the logging program, made up: some templates get another text, as developers reword messages.

The rewording is synthetic and says so wherever its figures stand. It is a pure function of the template and the seed.
There are two makers, which have no rule and no synonym in common, so that what is fitted to one shows with the other.
"""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from isang.logs.store import TEMPLATES_SCHEMA, Dataset

SYNONYMS = {
    "received": "got", "receiving": "getting", "request": "call", "sending": "transmitting", "sent": "transmitted",
    "started": "began", "starting": "beginning", "completed": "finished", "created": "made", "deleting": "removing",
    "deleted": "removed", "delete": "remove", "added": "appended", "adding": "appending", "failed": "did not succeed",
    "error": "problem", "exception": "failure", "invalid": "malformed", "missing": "absent", "found": "located",
    "cannot": "could not", "connection": "link", "closed": "shut", "opened": "established", "read": "fetched",
    "written": "stored", "write": "store", "update": "refresh", "updated": "refreshed", "size": "length",
    "waiting": "pending", "queued": "scheduled", "timeout": "time limit", "user": "account", "order": "purchase",
    "answered": "replied", "served": "handled", "verification": "check", "succeeded": "was successful",
    "starts": "begins", "terminating": "stopping", "block": "chunk", "packet": "message", "corrected": "repaired",
    "detected": "seen", "total": "overall", "data": "content", "attempt": "try", "confirmed": "accepted",
}  # fmt: skip
"""Words for words; what has none is reworded in another way."""
ADDED = ("now", "[v2]", "done:", "info:", "successfully", "(async)")
OTHER_NAMES = {
    "received": "incoming", "request": "req", "response": "resp", "sent": "dispatched", "started": "start of",
    "completed": "end of", "created": "new", "deleted": "dropped from store", "delete": "erase",
    "deleting": "erasing", "added": "put", "read": "loaded", "order": "ord", "customer": "client",
    "product": "article", "block": "blk", "payment": "pay", "session": "sess", "user": "member",
    "answered": "returned", "served": "delivered", "confirmed": "final", "basket": "cart", "service": "svc",
    "connection": "conn", "message": "msg", "exception": "exc", "failed": "not done", "error": "err",
    "total": "sum", "detected": "noticed", "corrected": "fixed", "size": "bytes", "receiving": "incoming",
    "terminating": "ends", "verification": "scan", "succeeded": "passed", "stored": "saved", "found": "matched",
    "written": "saved", "available": "in stock", "recorded": "booked", "attempt": "round",
}  # fmt: skip
"""What the second maker writes for a word; it drops the vowels of a long word that has none."""
BEFORE = ("notice that", "core |", "step ok ->", "event=", "audit log entry:")
LEAST_WORDS = 2
"""A template with fewer words beside its slots is left alone: there is nothing to reword."""


def reword_dataset(
    dataset: Dataset, later: np.ndarray, known: list[int], share: float, seed: int, maker: str = "reword"
) -> Dataset:
    """Give `share` of the events `known` another template from the sessions `later` on (rows of `dataset`).

    The `maker` is one of MAKERS. The reworded template is an event of its own, as if the new release had been read.
    """
    generator = np.random.default_rng(seed)
    texts = dict(dataset.templates["event", "template"].iter_rows())
    able = [event for event in sorted(known) if len(_words(texts[event])) >= LEAST_WORDS]
    chosen = sorted(generator.choice(able, min(len(able), round(share * len(known))), replace=False).tolist())
    taken, first_new = set(texts.values()), int(dataset.templates["event"].max()) + 1
    renamed: dict[int, int] = {}
    added = []
    for event in chosen:
        text = MAKERS[maker](texts[event], generator, taken)
        taken.add(text)
        renamed[event] = first_new + len(renamed)
        level = dataset.templates.filter(pl.col("event") == event)["level"][0]
        added.append({"event": renamed[event], "template": text, "level": level, "count": 0})
    events = dataset.sessions["events"].to_list()
    for row in later:
        events[row] = [renamed.get(event, event) for event in events[row]]
    sessions = dataset.sessions.with_columns(events=pl.Series(events, dtype=pl.List(pl.Int32)))
    templates = pl.concat([dataset.templates, pl.DataFrame(added, schema=TEMPLATES_SCHEMA)])
    return replace(dataset, sessions=sessions, templates=templates)


def reword(template: str, generator: np.random.Generator, taken: set[str]) -> str:
    """Another text that is not in `taken`: synonyms, another order, a word more, or one word renamed."""
    for edit in generator.permutation([_synonyms, _reordered, _longer, _renamed]):
        text: str = edit(template, generator)
        if text not in taken:
            return text
    return f"{template} (2)"


def rewrite(template: str, generator: np.random.Generator, taken: set[str]) -> str:
    """The same by the second maker: other names, a nominal style, a preamble, the last words cut, or joined words."""
    for edit in generator.permutation([_other_names, _nominal, _preamble, _shorter, _joined]):
        text: str = edit(template, generator)
        if text not in taken:
            return text
    return f"new: {template}"


MAKERS: dict[str, Callable[[str, np.random.Generator, set[str]], str]] = {"reword": reword, "rewrite": rewrite}


def _words(template: str) -> list[str]:
    return [word for word in template.split() if re.search(r"[^\W\d_]{2}", word)]


def _synonyms(template: str, generator: np.random.Generator) -> str:
    """Every word that has a synonym becomes it."""
    return re.sub(r"[A-Za-z]+", lambda found: _like(found[0], SYNONYMS.get(found[0].lower(), found[0])), template)


def _like(word: str, synonym: str) -> str:
    return synonym[:1].upper() + synonym[1:] if word[:1].isupper() and synonym[:1].islower() else synonym


def _reordered(template: str, generator: np.random.Generator) -> str:
    """What stood in the first part comes last."""
    words = template.split()
    cut = int(generator.integers(1, len(words))) if len(words) > 1 else 0
    return " ".join(words[cut:] + words[:cut])


def _longer(template: str, generator: np.random.Generator) -> str:
    """One more word somewhere."""
    words = template.split()
    words.insert(int(generator.integers(0, len(words) + 1)), str(generator.choice(ADDED)))
    return " ".join(words)


def _renamed(template: str, generator: np.random.Generator) -> str:
    """One word is replaced by a word that was never there, as when a class or a field is renamed."""
    words = template.split()
    able = [place for place, word in enumerate(words) if re.search(r"[^\W\d_]{2}", word)]
    place = int(generator.choice(able))
    words[place] = re.sub(r"[^\W\d_]{2,}", lambda found: found[0][::-1].lower() + "er", words[place], count=1)
    return " ".join(words)


def _other_names(template: str, generator: np.random.Generator) -> str:
    """Every word that has another name gets it, and every other long one is abbreviated."""
    return re.sub(r"[A-Za-z]+", lambda found: OTHER_NAMES.get(found[0].lower(), _abbreviated(found[0])), template)


def _abbreviated(word: str) -> str:
    return word[0] + re.sub("[aeiou]", "", word[1:]) if len(word) > 6 else word


def _nominal(template: str, generator: np.random.Generator) -> str:
    """Participles become nouns: "order recorded" is "order recording finished"."""
    return re.sub(r"\b([A-Za-z]{3,}?)(ed|en)\b", r"\1ing finished", template)


def _preamble(template: str, generator: np.random.Generator) -> str:
    """Some words come before, and all is written small."""
    return f"{generator.choice(BEFORE)} {template[:1].lower()}{template[1:]}"


def _shorter(template: str, generator: np.random.Generator) -> str:
    """The last word beside the slots is left out."""
    words = template.split()
    last = max(place for place, word in enumerate(words) if "<*>" not in word)
    return " ".join(words[:last] + words[last + 1 :])


def _joined(template: str, generator: np.random.Generator) -> str:
    """Neighbouring words become one name: "basket item added" is "basketItemAdded"."""
    return re.sub(r"(?<=[a-z]) ([A-Za-z])", lambda found: found[1].upper(), template)
