"""What is stored of each alert to judge it again: its session, the sessions of its crowd, model and settings."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from isang import __version__
from isang.artifact import Model
from isang.config import to_dict
from isang.detection.anomalies import Located
from isang.detection.detectors.time.burst import Burst, neighbours
from isang.detection.threshold.decisions import Judged
from isang.files import to_json
from isang.json_files import anything, flag, items, mapping, maybe, number, one_of, record, text
from isang.model.vocabulary import BEGIN, UNSEEN

SCHEMA = 1
MOST_KEPT = 10_000
"""Maximum number of alerts kept per result, the most unusual."""


def kept_sessions(
    model: Model, prepared: Located, judged: Judged, records: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What is kept of the sessions of anomaly `records`, in their order."""
    dataset = prepared.dataset
    index_of = {}
    for index in (index for index, decision in enumerate(judged.decisions) if decision.anomalous):
        name, start = (dataset.sessions[column][int(judged.rows[index])] for column in ("session_id", "start"))
        index_of[name, None if start is None else start.isoformat()] = index
    texts = {event: (template, level) for event, template, level, _ in dataset.templates.iter_rows()}
    about = {"model": identity(model), "settings": to_dict(model.config.detection), "isang": __version__}
    return [
        {
            "schema": SCHEMA, "session_id": one["session_id"], "start": one["start"], "end": one["end"], **about,
            **_session(model, prepared, judged, index_of[one["session_id"], one["start"]], texts),
        }
        for one in records[:MOST_KEPT]
    ]  # fmt: skip


def identity(model: Model) -> str:
    """Of what a model learned and how: another training has another one, whatever its budget."""
    settings = {name: value for name, value in to_dict(model.config).items() if name != "detection"}
    facts = {"facts": dict(model.facts), "settings": settings, "detectors": sorted(model.fitted)}
    return hashlib.sha256(to_json(facts).encode()).hexdigest()[:16]


def _session(
    model: Model, prepared: Located, judged: Judged, index: int, texts: dict[int, tuple[str, str | None]]
) -> dict[str, Any]:
    row = int(judged.rows[index])
    events, gaps_ms = (prepared.dataset.sessions[name][row] for name in ("events", "gaps_ms"))
    events = events.to_list()
    places = {event: place for place, event in enumerate(dict.fromkeys(events))}
    tokens = judged.timed.tokens[index][1 : 1 + len(events)]
    taken_for = {}
    for event, token in zip(events, tokens, strict=True):
        template = texts[event][0]
        name = None if token == UNSEEN else model.vocabulary.name(int(token))
        if name != template:
            taken_for[template] = name
    last = int(judged.timed.tokens.offsets[index + 1]) - 1
    silence_ms = float(judged.timed.gaps_T[last])
    return {
        "templates": [{"template": texts[event][0], "level": texts[event][1]} for event in places],
        "events": [places[event] for event in events],
        "gaps_ms": None if gaps_ms is None else gaps_ms.to_list(),  # without timestamps there are none
        "taken_for": taken_for,
        "may_go_on": bool(judged.unfinished_S[index]),
        "silence_ms": None if np.isnan(silence_ms) else silence_ms,
        "beside": _beside(model, judged, index),
    }


def _beside(model: Model, judged: Judged, index: int) -> dict[str, Any] | None:
    """The end times of the sessions of its crowd, in milliseconds after its own; None if it belongs to none."""
    found = neighbours(judged.beside, index) if Burst.name in model.fitted else None
    if found is None:
        return None
    own_ms = float(judged.timed.ends_ms_S[index])
    ends = {token: (found.end_ms_P[found.token_P == token] - own_ms).tolist() for token in (found.token_P.max(), BEGIN)}
    template = model.vocabulary.name(int(found.token_P.max()))
    return {"template": template, "ends_ms": ends[found.token_P.max()], "all_ends_ms": ends[BEGIN]}


_TEMPLATE = record({"template": text, "level": maybe(text)})
_BESIDE = record({"template": text, "ends_ms": items(number()), "all_ends_ms": items(number())})
KEPT = record(
    {
        "schema": one_of(SCHEMA), "session_id": text, "start": maybe(text), "end": maybe(text), "model": text,
        "settings": mapping(anything), "isang": text, "templates": items(_TEMPLATE),
        "events": items(number(0, 1e9, whole=True)), "gaps_ms": maybe(items(maybe(number(0, 2**31, whole=True)))),
        "taken_for": mapping(maybe(text)), "may_go_on": flag, "silence_ms": maybe(number()), "beside": maybe(_BESIDE),
    }
)  # fmt: skip
