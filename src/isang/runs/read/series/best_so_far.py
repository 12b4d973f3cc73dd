"""A log that prints the best value so far beside a series shows which way the series improves, whatever it is."""

import numpy as np

from isang.languages import Both
from isang.runs.read import series_names
from isang.runs.read.rows import LoggedRows, assumed

_FEWEST = 3
_BEST = "best"
_SETS = ("learn", "train", "training")


def name_by_best(records: LoggedRows) -> Both | None:
    """Rename a held-out series that stands beside `best`, and that of the training set: a score where the best is the
    highest so far, a loss where it is the lowest. Returns what was assumed; None where nothing shows it, or the name
    says it already."""
    best = next((name for name in records.columns if series_names.normal(name) == _BEST), None)
    if best is None:
        return None
    for name in list(records.columns):
        plain = name.removesuffix(" loss")
        rises = _rises(records, name, best) if name != best and _is_open(name, plain) else None
        if rises is None:
            continue
        kind = " score" if rises else " loss"
        own = [each for each in records.columns if each.removesuffix(" loss") in _SETS]
        for each in (name, *own):
            _rename(records, each, each.removesuffix(" loss") + kind)
        if rises:
            return assumed(
                f"{plain!r} is better the higher it is: beside it stands the highest so far",
                f"{plain!r} 옆에 지금까지의 최댓값이 적혀 있어 클수록 좋은 값으로 봅니다",
            )
        return assumed(
            f"{plain!r} is better the lower it is: beside it stands the lowest so far",
            f"{plain!r} 옆에 지금까지의 최솟값이 적혀 있어 작을수록 좋은 값으로 봅니다",
        )
    return None


def _is_open(name: str, plain: str) -> bool:
    """Whether a series is held out and named after its data set alone."""
    return series_names.is_held_out(plain) and series_names.role(plain) is None and name in (plain, f"{plain} loss")


def _rises(records: LoggedRows, name: str, best: str) -> bool | None:
    """Whether `best` is the highest value so far; False where it is the lowest, None where it is neither."""
    both = records.column(name).known() & records.column(best).known()
    if both.sum() < _FEWEST:
        return None
    values, bests = records.values(name)[both], records.values(best)[both]
    steps = np.diff(bests)
    if (steps >= 0).all() and (bests >= values).all() and (bests > bests[0]).any():
        return True
    return False if (steps <= 0).all() and (bests <= values).all() and (bests < bests[0]).any() else None


def _rename(records: LoggedRows, old: str, new: str) -> None:
    records.columns = {new if name == old else name: column for name, column in records.columns.items()}
    if old in records.present:
        records.present[new] = records.present.pop(old)
