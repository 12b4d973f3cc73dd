"""Text summaries of incidents, and of users' answers to them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isang.files import to_json
from isang.formatting import joined
from isang.summaries.anomalies import of_anomalies
from isang.summaries.layout import (
    SHOWN_CHARACTERS,
    SHOWN_DIFFERENCES,
    SHOWN_INCIDENTS,
    SHOWN_LINES,
    SHOWN_NEVER_SEEN,
    raw_line,
)

if TYPE_CHECKING:
    from isang.detection.comparison.compare import Comparison
    from isang.detection.feedback.answers import Answer
    from isang.detection.feedback.desk import Given
    from isang.detection.incidents import Incident
    from isang.detection.reproduction.again import Reproduced
    from isang.stages import Detected


def of_incidents(incidents: Sequence["Incident"], most: int | None = None, raw_lines: int = SHOWN_LINES) -> str:
    """At most `most` incidents, the most severe first, each with up to `raw_lines` of its lines."""
    shown = [_incident(incident, raw_lines) for incident in incidents[:most]]
    if most is not None and len(incidents) > most:
        shown.append(f"and {len(incidents) - most:,} more incidents")
    return "\n".join(shown)


def _incident(incident: "Incident", raw_lines: int) -> str:
    lines = [f"{incident.severity:<9}{incident.title}  [{incident.fingerprint}]"]
    for reason in incident.reasons:
        for line in raw_line(reason["line"], lines):
            if len(lines) <= raw_lines:
                lines.append(line)
    return joined(lines)


def of_comparison(found: "Comparison", *, as_json: bool) -> str:
    """What bad logs have and good ones lack, and, one line each, what also varies among good ones."""
    from isang.detection.incidents import document

    if as_json:
        rest = {"differences": [difference.to_dict() for difference in found.differences]}
        facts: dict[str, Any] = {"good": list(found.good), "bad": list(found.bad), "lines": list(found.lines)}
        facts |= {"score": found.score, "verdict": _verdict(found)}
        return to_json(document(found.incidents) | rest | facts).rstrip("\n")
    logs = f"{len(found.good):,} good {'log' if len(found.good) == 1 else 'logs'}"
    head = f"{found.lines[1]:,} lines against {found.lines[0]:,} of {logs}, {found.templates:,} templates"
    count = len(found.incidents)
    parts = [
        head,
        f"{count:,} {'incident' if count == 1 else 'incidents'}" if count else "no incident: as good logs do",
    ]
    if count:
        parts.append(of_incidents(found.incidents))
    if found.verdict is not None:
        parts.append(found.verdict.says)
    if found.differences:
        rest_lines = [f"  {incident.title}" for incident in found.differences[:SHOWN_DIFFERENCES]]
        more = len(found.differences) - SHOWN_DIFFERENCES
        rest_lines += [f"  and {more:,} more"] if more > 0 else []
        parts.append("\n".join(["smaller differences, such as there are by chance too:", *rest_lines]))
    return "\n\n".join(parts)


def _verdict(found: "Comparison") -> dict[str, Any] | None:
    if found.verdict is None:
        return None
    verdict = found.verdict
    return {
        "verdict": verdict.verdict,
        "p_value": verdict.p_value,
        "score": verdict.score,
        "good_scores": list(verdict.good_scores),
        "says": verdict.says,
        "says_ko": verdict.says_ko,
    }


def of_silenced(silenced: Sequence["Incident"], measured: Mapping[str, Any] | None) -> list[str]:
    """The incidents that answers silence, and the false alarms that they measure, see words.py."""
    from isang.detection.feedback import words

    return words.of_silenced(silenced, measured)


def of_feedback(given: "Given", *, as_json: bool) -> str:
    """The effect that an answer had, or would have."""
    from isang.detection.feedback import words

    if as_json:
        value = {"schema": 1, "feedback": given.answer.to_dict(), "accepted": given.accepted, "effect": given.effect}
        return to_json(value).rstrip("\n")
    return joined(words.of_given(given))


def of_reproduced(found: Sequence["Reproduced"], *, as_json: bool) -> str:
    """Alerts then and now."""
    from isang.detection.reproduction import words

    if as_json:
        return to_json({"schema": 1, "alerts": [one.to_dict() for one in found]}).rstrip("\n")
    return joined(words.of_reproduced(found))


def of_answers(answers: Sequence["Answer"], file: Path, *, as_json: bool) -> str:
    """The answers in effect."""
    from isang.detection.feedback import words

    if as_json:
        return to_json({"schema": 1, "feedback": [answer.to_dict() for answer in answers]}).rstrip("\n")
    return joined(words.of_answers(answers, str(file)))


def in_short(detected: "Detected") -> str:
    """The number of anomalous sessions, and of incidents by severity."""
    found, count = (
        f"{len(detected.anomalies):,} of {detected.sessions:,} sessions are anomalous",
        len(detected.incidents),
    )
    if not count:
        return found
    severities = Counter(incident.severity for incident in detected.incidents)
    by_severity = ", ".join(f"{number} {name}" for name, number in severities.items())  # the most severe first
    within = ", in" if detected.anomalies else ";"
    return f"{found}{within} {count:,} {'incident' if count == 1 else 'incidents'} ({by_severity}):"


def of_detected_in_short(detected: "Detected", out: Path | None) -> str:
    """The first incidents, what else there is, and where to look: about 25 lines. `out`: the folder with the
    results."""
    if detected.coverage.get("verdict") == "cannot_tell":
        return of_detected(detected)
    lines = [in_short(detected)]
    if detected.incidents:
        lines += of_incidents(detected.incidents, SHOWN_INCIDENTS, 1).split("\n")
    rest = [detected.whole.says] if detected.whole is not None else []
    if detected.never_seen and not detected.incidents:
        rest += of_never_seen(detected.never_seen)
    elif detected.never_seen:
        count = len(detected.never_seen)
        rest.append(f"{count:,} {'kind' if count == 1 else 'kinds'} of lines were never seen in training")
    if detected.smaller:
        rest.append(f"{len(detected.smaller):,} smaller ones, such as normal stretches of this log have too")
    rest += of_silenced(detected.silenced, detected.false_alarms())
    where = "--out DIR writes a page to look at; --verbose prints every session with its reasons"
    if out is not None:
        where = f"look at {out / 'index.html'}; --verbose prints every session with its reasons"
    return joined([*lines, "", *rest, *([""] if rest else []), where])


def of_detected(detected: "Detected") -> str:
    """The incidents, then the sessions, with the number of each."""
    found = f"{len(detected.anomalies):,} of {detected.sessions:,} sessions are anomalous"
    if detected.coverage.get("verdict") == "cannot_tell":
        found = (
            f"cannot tell: of {detected.coverage['lines']:,} lines {detected.coverage['known_lines']:,} are like lines "
            f"of the training period; these logs are of another program, train on logs of this one"
        )
    elif detected.whole is not None:
        found += f"\n{detected.whole.says}"
    new = of_never_seen(detected.never_seen)
    parts = [joined(new)] if new else []
    told = [record for record in detected.anomalies if not record.get("smaller")]
    if detected.incidents:
        count = len(detected.incidents)
        heads = f"{count:,} {'incident' if count == 1 else 'incidents'}:"
        sessions = ["sessions:", of_anomalies(told)] if told else []
        parts = [heads, of_incidents(detected.incidents), *sessions, *parts]
    smaller, quiet = of_smaller(detected), of_silenced(detected.silenced, detected.false_alarms())
    return "\n\n".join([*parts, *(joined(lines) for lines in (smaller, quiet) if lines), found])


def of_smaller(detected: "Detected") -> list[str]:
    """Incidents that are unusual by themselves but also occur in normal stretches, one line each."""
    if not detected.smaller:
        return []
    lines = [f"  {incident.title}" for incident in detected.smaller[:SHOWN_DIFFERENCES]]
    more = len(detected.smaller) - SHOWN_DIFFERENCES
    lines += [f"  and {more:,} more"] if more > 0 else []
    return ["smaller, such as normal stretches of this log have too:", *lines]


def of_never_seen(never_seen: Sequence[Mapping[str, Any]]) -> list[str]:
    """The loudest templates in no training session, each with its count and its first line."""
    if not never_seen:
        return []
    count = len(never_seen)
    lines = [f"never seen in training: {count:,} {'kind' if count == 1 else 'kinds'} of lines, the loudest first:"]
    for entry in never_seen[:SHOWN_NEVER_SEEN]:
        first, times = entry["first"], f"{entry['count']:,} {'line' if entry['count'] == 1 else 'lines'}"
        lines.append(f"  {entry['level'] or entry['loudness']}, {times}, first {first['source']}:{first['number']}")
        lines.append(f"    {first['text'][:SHOWN_CHARACTERS]}")
    more = count - SHOWN_NEVER_SEEN
    return [*lines, f"  and {more:,} more"] if more > 0 else lines
