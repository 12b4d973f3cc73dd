"""The protocol of findings from other packages, and the check of their verdicts.

    class LateWarmup:
        name = "late_warmup"

        def judge(self, table, context):
            return Finding(self.name, "ok", both("…", "…"), {"first_step": 1})

It is an object provided by an entry point of the group `isang.findings`; `isang.testing.check_finding` runs the laws on
it.
"""

import json
from typing import Protocol, get_args, runtime_checkable

from isang.errors import InputError
from isang.plugins import plugins
from isang.runs.finding import LANGUAGES, Finding, RunContext, Verdict
from isang.runs.read.table import RunTable

GROUP = "isang.findings"


@runtime_checkable
class FindingRule(Protocol):
    """A rule that gives one verdict on a run."""

    name: str
    """The finding's `id`: lower-case letters, digits and underscores."""

    def judge(self, table: RunTable, context: RunContext) -> Finding:
        """The verdict on a run, for any table: also one without a loss, of one row, or all NaN. Changes neither."""
        ...


def added(taken: tuple[str, ...]) -> tuple[FindingRule, ...]:
    """The rules that other installed packages add. Raises InputError where one does not keep the contract."""
    found: tuple[FindingRule, ...] = plugins(GROUP, FindingRule, taken=taken)  # type: ignore[type-abstract]
    return found


def judged_by(rule: FindingRule, table: RunTable, context: RunContext) -> Finding:
    """The rule's finding, checked. Raises InputError that names the rule where it fails or breaks the contract."""
    try:
        found = rule.judge(table, context)
    except Exception as error:  # whatever someone else's rule does
        raise InputError(
            f"the finding {rule.name} of another package failed on {table.name}: {type(error).__name__}: {error}; mend "
            "or uninstall that package"
        ) from error
    wrong = _wrong(rule, found)
    if wrong:
        raise InputError(
            f"the finding {rule.name} of another package breaks the contract: {wrong}; see docs/extending.md"
        )
    return found


def _wrong(rule: FindingRule, found: object) -> str | None:
    """What is wrong with a finding, None where nothing is."""
    if not isinstance(found, Finding):
        return f"judge must return a Finding, got {type(found).__name__}"
    if found.id != rule.name:
        return f"its id must be its name {rule.name!r}, got {found.id!r}"
    if found.verdict not in get_args(Verdict):
        return f"the verdict must be one of {', '.join(get_args(Verdict))}, got {found.verdict!r}"
    for texts, what in ((found.statement, "statement"), (found.remedy, "remedy")):
        if texts is not None and (
            set(texts) != set(LANGUAGES) or not all(str(text).strip() for text in texts.values())
        ):
            return f"the {what} must have a text for each of {', '.join(LANGUAGES)}"
    try:
        json.dumps(dict(found.evidence), allow_nan=False)
    except (TypeError, ValueError) as error:
        return f"the evidence must hold plain JSON values ({error}); isang.runs.finding.plain makes them"
    return None
