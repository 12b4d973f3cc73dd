"""Answers as text for people: what one did, which there are, and which incidents are silent because of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from isang.detection.feedback.answers import Answer
from isang.detection.feedback.desk import Given
from isang.detection.incidents import Incident

SHOWN = 5


def of_given(given: Given) -> list[str]:
    """What was answered, what it silences of the last result, and what it does not."""
    answer, effect = given.answer, given.effect
    lines = [f"{_said(answer)}: {answer.title}"]
    if answer.verdict == "normal":
        lines += _effect(effect, given.accepted)
        most = effect["most_sessions"]
        lines.append(f"more than {most:,} such sessions within 5 minutes are reported all the same")
    elif answer.verdict == "anomaly":
        lines.append(f"its {len(answer.sessions):,} sessions are never learned from")
    if given.accepted:
        lines.append(f"written to {given.file}; take it back with --undo {answer.id}")
    else:
        lines.append("nothing was written; leave --dry-run out to accept it")
    return lines


def of_answers(answers: Sequence[Answer], file: str) -> list[str]:
    """The answers in effect, the latest last."""
    if not answers:
        return [f"no answers in {file}"]
    return [
        f"{answer.id}  {answer.at[:16]}  {answer.verdict:<12} {answer.scope:<8} {answer.fingerprint}  {answer.title}"
        + (f"  until {answer.until[:16]}" if answer.until else "")
        for answer in answers
    ]


def of_silenced(silenced: Sequence[Incident], measured: Mapping[str, Any] | None) -> list[str]:
    """The incidents that answers silence, and what the answers say of the budget; empty without answers."""
    lines = []
    if silenced:
        sessions = sum(incident.sessions for incident in silenced)
        lines.append(
            f"silenced, because people told them to be normal: {_number(len(silenced), 'incident')}, "
            f"{_number(sessions, 'session')}"
        )
        lines += [f"  {one.title}  [{one.fingerprint}, answer {one.silenced_by}]" for one in silenced[:SHOWN]]
        if len(silenced) > SHOWN:
            lines.append(f"  and {len(silenced) - SHOWN:,} more")
    if measured and (measured["false_alarms_told"] or measured["anomalies_told"]):
        rate = measured["per_thousand"]
        after = measured["sessions"] - measured["reviewed_sessions"]
        lines.append(
            f"false alarms that people confirmed: {measured['false_alarms_told']:,} of "
            f"{measured['reviewed_sessions']:,} sessions"
            + (f" ({after:,} more came where nobody has answered yet)" if after else "")
            + f", {rate['value']:.2f} per 1,000 ({rate['low']:.2f} to {rate['high']:.2f}); "
            f"{measured['asked_per_thousand']:g} were allowed"
        )
    return lines


def _effect(effect: Mapping[str, Any], accepted: bool) -> list[str]:
    silences = "silences" if accepted else "would silence"
    lines = [
        f"of the last result it {silences} {_number(len(effect['would_silence']), 'incident')}, "
        f"{_number(effect['sessions'], 'session')}:"
        if effect["sessions"]
        else f"of the last result it {silences} nothing"
    ]
    lines += [f"  {one['title']}  [{one['fingerprint']}]" for one in effect["would_silence"][:SHOWN]]
    if effect["would_not"]:
        lines.append("and not these, which are like it:")
        lines += [f"  {one['title']}  [{one['fingerprint']}]" for one in effect["would_not"][:SHOWN]]
    lines.append(f"{_number(max(0, effect['others']), 'other incident')} stay as they are")
    return lines


def _said(answer: Answer) -> str:
    until = f" until {answer.until[:16]}" if answer.until else ""
    scope = {"incident": "", "template": ", every time with this line", "detector": ", all of this kind of reason"}
    return f"{answer.verdict}{until}{scope[answer.scope]}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
