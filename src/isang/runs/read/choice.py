"""Which series of a file is what: the loss, the validation loss, the metric. R rows of the file throughout."""

from dataclasses import dataclass, field

import numpy as np

from isang.errors import InputError
from isang.languages import Both
from isang.runs.read import series_names
from isang.runs.read.columns import Column
from isang.runs.read.rows import LoggedRows, assumed
from isang.runs.read.series.best_so_far import name_by_best
from isang.runs.read.series.totals import summed, total_of
from isang.runs.read.table import ADVERSARIAL, LOSS, POLICY, Metric

FEWEST_VALUES = 3
"""A series with fewer values is nothing to judge a run by."""
SHOWN = 20
COMPUTING, PARTS_AGREE = {"forward_time", "backward_time"}, 0.1
"""Parts of a step's time, and how far their sum may be from the whole."""
FINER = 1.2
"""A counter is finer if it has this many times as many distinct numbers."""


@dataclass(frozen=True)
class Asked:
    """The series chosen by the user, by the log's own names; None if the names decide."""

    loss: str | None = None
    validation: str | None = None
    rate: str | None = None
    metric: str | None = None
    """NAME, NAME:max or NAME:min."""
    step: str | None = None


@dataclass
class Choice:
    """Names of the series in each role; empty if there is none."""

    by_role: dict[str, list[str]]
    """All candidates of a role, the usual ones first."""
    loss: str = ""
    validation: str = ""
    judged_metric: Metric | None = None
    """The series that the run is judged by, if it is not a loss."""
    metric: Metric | None = None
    """The held-out metric; another one if none is held out."""
    metrics: tuple[Metric, ...] = ()
    objective: str = LOSS
    notes: list[Both] = field(default_factory=list)


def choose(records: LoggedRows, asked: Asked) -> Choice:
    """Assign roles to the series by their names and values. Raises InputError if `asked` names no series."""
    told = name_by_best(records) if asked == Asked() else None
    choice = Choice(_by_role(records, asked), notes=[] if told is None else [told])
    _choose_loss(records, asked, choice)
    _choose_validation(records, asked, choice)
    _choose_metric(records, asked, choice)
    return choice


def named(records: LoggedRows, asked: str, option: str) -> str:
    """The series that the user named. Raises InputError if there is none."""
    plain = series_names.normal(asked)
    for name in records.columns:
        if name == asked or (series_names.normal(name) == plain and not name.startswith("@")):
            return name
    raise InputError(
        f"{records.account.path} has no series {asked!r}; it has {series_text(records)}; name one with {option} NAME"
    )


def series_text(records: LoggedRows) -> str:
    """The series of a file in words, for a message: those with the most values that may be a loss first."""
    counts = {name: records.count(name) for name in records.columns if not name.startswith("@")}
    known = {name: series_names.role(name) for name in counts}
    likely = (None, series_names.LOSS, series_names.VALIDATION, series_names.METRIC)
    names = sorted(counts, key=lambda name: (-counts[name] if counts[name] > 1 else 0, known[name] not in likely))
    shown = [f"{name} ({counts[name]:,})" for name in names[:SHOWN]]
    return (", ".join(shown) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")) or "no series"


def most_usual(records: LoggedRows, candidates: list[str]) -> str:
    """The most usual name among the series that are not rare; an empty name if there is none."""
    if not candidates:
        return ""
    counts = {name: records.count(name) for name in candidates}
    enough = 0.3 * max(counts.values())
    return min((name for name in candidates if counts[name] >= enough), key=series_names.priority)


def _by_role(records: LoggedRows, asked: Asked) -> dict[str, list[str]]:
    by_role: dict[str, list[str]] = {}
    for name in records.columns:
        role = None if name.startswith("@") else series_names.role(name)
        if role:
            by_role.setdefault(role, []).append(name)
    for found in by_role.values():
        found.sort(key=series_names.priority)
    for role, option, said in ((series_names.RATE, "--rate", asked.rate), (series_names.STEP, "--step", asked.step)):
        if said is not None:
            name = named(records, said, option)
            for found in by_role.values():
                if name in found:
                    found.remove(name)
            by_role[role] = [name]
    _sort_counters(records, by_role, asked)
    _sort_times(records, by_role)
    return by_role


def _sort_counters(records: LoggedRows, by_role: dict[str, list[str]], asked: Asked) -> None:
    """Keep as steps what counts up; `steps: 10 loss: 2.5` counts those done, not those averaged."""
    steps = by_role.get(series_names.STEP, [])
    if grown := [name for name in by_role.get(series_names.WINDOW, []) if _grows(records.column(name))]:
        by_role[series_names.WINDOW] = [name for name in by_role[series_names.WINDOW] if name not in grown]
        steps = steps or grown
    if not steps:
        steps = [n for n in records.columns if series_names.may_count(n) and _grows(records.column(n))][:1]
    if len(steps) > 1 and asked.step is None:  # one letter names a step only where nothing else does
        steps = [name for name in steps if len(name) > 2] or steps
        steps = [name for name in steps if not _constant(records.column(name))] or steps
        steps = _finest_first(records, steps)
        steps = [name for name in steps if _agree(records, steps[0], name)]
    if steps:
        by_role[series_names.STEP] = steps


def _finest_first(records: LoggedRows, steps: list[str]) -> list[str]:
    """The counters, a finer one first if the usual one stays constant for several rows or restarts."""
    different = {name: len(np.unique(records.column(name).values()[records.column(name).known()])) for name in steps}
    finer = [name for name in steps if different[name] > FINER * different[steps[0]] and _never_falls(records, name)]
    return sorted(steps, key=lambda name: name not in finer[:1])


def _never_falls(records: LoggedRows, name: str) -> bool:
    values = records.values(name)
    return bool((np.diff(values[~np.isnan(values)]) >= 0).all())


def _sort_times(records: LoggedRows, by_role: dict[str, list[str]]) -> None:
    """A time that only grows is the time since the start; of several others, the longest is that of a step."""
    times = by_role.get(series_names.SECONDS, []) + by_role.get(series_names.ELAPSED, [])
    if not times:
        return
    growing = [name for name in times if _grows(records.column(name))]
    by_role[series_names.ELAPSED] = growing or [
        name for name in by_role.get(series_names.ELAPSED, []) if records.count(name) < FEWEST_VALUES
    ]
    single = [name for name in times if name not in by_role[series_names.ELAPSED]]
    medians = {name: float(np.nanmedian(records.values(name))) for name in single if records.column(name).count()}
    if len(medians) > 1:
        longest = max(medians.values())
        single = [name for name in medians if medians[name] >= 0.999 * longest]
        shorter = {name: median for name, median in medians.items() if name not in single}
        if series_names.DATA not in by_role and (waiting := _left_beside_computing(records, shorter, longest)):
            by_role[series_names.DATA] = waiting
    by_role[series_names.SECONDS] = single


def _left_beside_computing(records: LoggedRows, shorter: dict[str, float], whole: float) -> list[str]:
    """The time that makes up a step together with those of forward and backward pass: it is waiting for data."""
    computing = [name for name in records.columns if name.rpartition("/")[2] in COMPUTING]
    if {name.rpartition("/")[2] for name in computing} != COMPUTING:
        return []
    spent = sum(float(np.nanmedian(records.values(name))) for name in computing)
    return [name for name, median in shorter.items() if abs(median + spent - whole) <= PARTS_AGREE * whole][:1]


def _grows(column: Column) -> bool:
    """Whether there are several values, each higher than the previous one."""
    values = column.values()
    values = values[~np.isnan(values)]
    return len(values) > 2 and bool((values[1:] > values[:-1]).all())


def _constant(column: Column) -> bool:
    values = column.values()
    values = values[~np.isnan(values)]
    return len(values) >= FEWEST_VALUES and bool((values == values[0]).all())


def _agree(records: LoggedRows, first: str, other: str) -> bool:
    """No row holds different values of the two."""
    a, b = records.values(first), records.values(other)
    both = ~np.isnan(a) & ~np.isnan(b)
    return bool((a[both] == b[both]).all())


def _choose_loss(records: LoggedRows, asked: Asked, choice: Choice) -> None:
    if asked.loss is not None:
        name = named(records, asked.loss, "--loss")
        if series_names.direction(name):
            choice.judged_metric = Metric(name, True, series_names.is_held_out(name))
        else:
            choice.loss = name
        return
    candidates = choice.by_role.get(series_names.LOSS, [])
    rewards = [n for n in choice.by_role.get(series_names.METRIC, []) if series_names.is_reward(n)]
    rewards = [n for n in rewards if records.count(n) >= FEWEST_VALUES]
    reward = most_usual(records, [n for n in rewards if not series_names.is_held_out(n)] or rewards)
    means = choice.by_role.get(series_names.MEAN, [])
    if reward and (candidates or means or any(series_names.is_of_policy(name) for name in records.columns)):
        choice.judged_metric, choice.objective = Metric(reward, True, series_names.is_held_out(reward)), POLICY
        choice.notes.append(
            assumed(
                f"{reward!r} is judged, which is better the higher it is: "
                "the loss of a policy says nothing about progress",
                f"정책의 손실은 학습 진척을 말해 주지 않으므로 클수록 좋은 값인 {reward!r}(으)로 판단합니다",
            )
        )
        return
    others = [name for name in candidates if not series_names.is_opponent(name)]
    if candidates and not others and len(candidates) > 1:
        _choose_opponent(records, candidates, choice)
        return
    opposed = len(candidates) > len(others) + 1
    candidates = others or candidates
    chosen = most_usual(records, candidates)
    if opposed and (rebuilt := [name for name in others if series_names.is_reconstruction(name)]):
        chosen = most_usual(records, rebuilt)
        choice.notes.append(
            assumed(
                f"beside the losses of a generator and a discriminator {chosen!r} is judged",
                f"생성자와 판별자의 손실 대신 {chosen!r}(으)로 판단합니다",
            )
        )
    elif len(candidates) > 1 and chosen and not series_names.is_exact_loss(chosen):
        chosen = total_of(records, candidates, choice.notes) or chosen
        if chosen in candidates:
            choice.notes.append(
                assumed(
                    f"several losses are logged; {chosen!r} is judged, another one with --loss NAME",
                    f"손실이 여럿 기록되어 있어 {chosen!r}(으)로 판단합니다. "
                    "다른 손실은 --loss 이름으로 고를 수 있습니다",
                )
            )
    means = choice.by_role.get(series_names.MEAN, [])
    rare = chosen and means and FEWEST_VALUES * records.count(chosen) < max(records.count(name) for name in means)
    choice.loss = "" if rare else chosen  # a mean that is printed all along says more


def _choose_opponent(records: LoggedRows, candidates: list[str], choice: Choice) -> None:
    """Of the losses of a generator and a discriminator, which say nothing, the usual one."""
    said = [name for name in candidates if series_names.says_loss(name)]
    candidates = said if len(said) > 1 else candidates  # `D(x)` beside `Loss_D` is none
    choice.loss, choice.objective = most_usual(records, candidates), ADVERSARIAL
    names = [repr(name) for name in candidates[:4]]
    listed, listed_ko = " and ".join(names), ", ".join(names)
    choice.notes.append(
        assumed(
            f"{listed} are losses of a generator and a discriminator, which say nothing about progress; "
            "name another series with --loss NAME",
            f"{listed_ko} 계열은 생성자와 판별자의 손실이라 학습 진척을 말해 주지 않습니다. "
            "다른 계열은 --loss 이름으로 고를 수 있습니다",
        )
    )


def _choose_validation(records: LoggedRows, asked: Asked, choice: Choice) -> None:
    if asked.validation is not None:
        name = named(records, asked.validation, "--validation")
        choice.validation = name
        return
    names = [name for name in choice.by_role.get(series_names.VALIDATION, []) if name != choice.loss]
    if not choice.loss and not choice.by_role.get(series_names.MEAN) and choice.judged_metric is None:
        names = _without_training_set(records, names, choice)
    names = names or _other_set(records, choice)
    parts = choice.loss.split(" + ")
    twins = [[n for n in names if series_names.measure(n) == series_names.measure(part)] for part in parts]
    if len(parts) > 1 and all(twins):
        choice.validation = summed(records, [found[0] for found in twins], [])
        return
    chosen = most_usual(records, names)
    twin = most_usual(records, twins[0]) if choice.loss else ""
    if twin and 3 * records.count(twin) >= records.count(chosen):
        chosen = twin
    choice.validation = chosen


def _other_set(records: LoggedRows, choice: Choice) -> list[str]:
    """The same error with one word replaced by the user's name for another data set.

    If neither of two such sets is called the training set, it is the one that is fitted better until the end. This
    applies only to errors: with losses, such a word may name a part (`train/loss` beside `style/loss`).
    """
    loss = choice.loss
    measure = series_names.normal(loss).partition("_")[2]
    if not series_names.is_error(loss) or not series_names.is_error(measure):
        return []
    others = [name for name in choice.by_role[series_names.LOSS] if not series_names.is_training(name)]
    others = [n for n in others if n != loss and series_names.normal(n).partition("_")[2] == measure]
    if series_names.is_training(loss) or len(others) != 1:
        return others if series_names.is_training(loss) else []
    if not (first := _fitted_better(records, loss, others[0])):
        return []
    choice.loss, last = first, others[0] if first == loss else loss
    choice.notes.append(_taken_for_training(first, last))
    return [last]


def _taken_for_training(first: str, last: str) -> Both:
    return assumed(
        f"{first!r} is taken for the training set, which it fits better, and {last!r} for the held-out one",
        f"더 잘 맞는 {first!r}을(를) 학습 데이터로, {last!r}을(를) 검증 데이터로 봅니다",
    )


def _fitted_better(records: LoggedRows, one: str, other: str) -> str:
    """The series, of two, that is lower in each row of the last quarter; an empty name if neither is."""
    a, b = records.values(one), records.values(other)
    both = np.flatnonzero(~np.isnan(a) & ~np.isnan(b))
    end = both[-max(len(both) // 4, 1) :]
    if not len(both):
        return ""
    return one if (a[end] < b[end]).all() else other if (b[end] < a[end]).all() else ""


def _without_training_set(records: LoggedRows, names: list[str], choice: Choice) -> list[str]:
    """Of numbered sets (`validation_0`, `validation_1`) the one that is fitted best is the training set."""
    sets: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        if (numbered := series_names.set_number(name)) is not None:
            sets.setdefault(numbered[0], []).append((numbered[1], name))
    measured = [sorted(found) for found in sets.values() if len(found) > 1]
    if not measured:
        return names
    found = min(measured, key=lambda pairs: series_names.priority(pairs[0][1]))
    (_, first), (_, last) = found[0], found[-1]
    if _fitted_better(records, first, last) != first:
        return names
    choice.loss = first
    choice.notes.append(_taken_for_training(first, last))
    return [last]


def _choose_metric(records: LoggedRows, asked: Asked, choice: Choice) -> None:
    names = choice.by_role.get(series_names.METRIC, [])
    names = [name for name in names if records.count(name) >= FEWEST_VALUES]
    found = [Metric(n, bool(series_names.direction(n)), series_names.is_held_out(n)) for n in names]
    found.sort(key=lambda metric: (not metric.held_out, series_names.metric_priority(metric.name)))
    if asked.metric is not None:
        found.insert(0, chosen := _asked_metric(records, asked.metric))
        found[1:] = [metric for metric in found[1:] if metric.name != chosen.name]
    choice.metrics = tuple(found)
    choice.metric = found[0] if found else None
    has_loss = choice.loss or choice.validation or choice.by_role.get(series_names.MEAN)
    if has_loss or choice.judged_metric is not None or choice.by_role.get(series_names.PERPLEXITY) or not found:
        return
    training = [metric for metric in found if not metric.held_out]
    twins = [m for m in training if series_names.measure(m.name) == series_names.measure(found[0].name)]
    choice.judged_metric = found[0] if asked.metric is not None else (twins or training or found)[0]
    name = choice.judged_metric.name
    better, better_ko = ("higher", "클수록") if choice.judged_metric.maximised else ("lower", "작을수록")
    choice.notes.append(
        assumed(
            f"no loss is logged; {name!r} is judged, which is better the {better} it is",
            f"손실이 기록되지 않아 {better_ko} 좋은 값인 {name!r}(으)로 판단합니다",
        )
    )


def _asked_metric(records: LoggedRows, asked: str) -> Metric:
    name, _, said = asked.rpartition(":")
    if said not in ("max", "min") or not name:
        name, said = asked, ""
    name = named(records, name, "--metric")
    upward = series_names.direction(name)
    if not said and upward is None:
        raise InputError(
            f"--metric {asked} does not say which way {name!r} improves, and its name does not either; "
            f"give --metric {asked}:max or --metric {asked}:min"
        )
    return Metric(name, said == "max" if said else bool(upward), series_names.is_held_out(name))
