"""What a series in a log means, told from its name."""

import re

STEP, EPOCH, BATCH, BATCHES = "step", "epoch", "batch", "batches"
LOSS, MEAN, VALIDATION, PERPLEXITY = "loss", "mean", "validation", "perplexity"
RATE, NORM, SECONDS, ELAPSED, CLOCK, WINDOW = "rate", "norm", "seconds", "elapsed", "clock", "window"

_EXACT: dict[str, tuple[str, ...]] = {
    STEP: (
        "step", "global_step", "trainer_global_step", "iteration", "iter", "현재_스텝", "스텝", "num_updates",
        "update", "updates", "training_step", "train_step", "step_at", "s", "it", "_step", "n_iter", "steps_done",
    ),
    EPOCH: ("epoch", "에폭", "에포크", "ep", "current_epoch", "train_epoch", "trainer_epoch"),
    BATCH: ("batch", "batch_idx", "배치"),
    MEAN: (
        "running_mean", "avg_loss", "avg", "average_loss", "mean_loss", "평균_loss", "평균_손실", "loss_avg",
        "running_loss", "running_avg_loss", "ema_loss", "smoothed_loss",
    ),
    PERPLEXITY: ("ppl", "perplexity", "val_ppl", "eval_ppl", "eval_perplexity", "valid_ppl", "val_perplexity"),
    RATE: ("learning_rate", "lr", "train_lr", "현재_학습률", "학습률", "lr_0", "lr_pg0", "optimizer_lr", "current_lr"),
    NORM: ("gradient_norm", "grad_norm", "gnorm", "norm", "global_grad_norm", "total_norm", "train_grad_norm"),
    SECONDS: (
        "step_seconds", "seconds", "step_time", "time_per_step", "sec_per_step", "batch_time", "iter_time",
        "time_per_iteration", "elapsed_time_per_iteration", "time", "dt",
    ),
    ELAPSED: ("elapsed", "train_time", "_runtime", "elapsed_time"),
    CLOCK: ("timestamp", "_timestamp", "wall_time", "created_at"),
    WINDOW: ("steps",),
}  # fmt: skip
_ROLES = {name: (role, rank) for role, names in _EXACT.items() for rank, name in enumerate(names)}

_LOSSES = (
    "loss", "train_loss", "training_loss", "loss_train", "total_loss", "lm_loss", "trl", "train_loss_step",
    "loss_step", "train_total_loss", "batch_loss", "mlm_loss", "손실", "loss_metrics_global_avg_loss",
    "train_loss_total", "train_loss_epoch", "loss_epoch",
)  # fmt: skip
_LOSS_PRIORITY = {name: rank for rank, name in enumerate(_LOSSES)}
_HELD_OUT = re.compile(r"(^|_)(val|valid|validation|eval|evaluation|test|dev|검증|held_out)(_|$)")
_HELD_OUT_LOSSES = (
    "validation_loss",
    "val_loss",
    "eval_loss",
    "valid_loss",
    "test_loss",
    "tel",
    "검증_loss",
    "검증_손실",
)
_ERROR_WORD = re.compile(r"(^|_)(m?logloss|rmse|mse|mae)(_|$|\d)")
"""Errors that stand in for a loss where there is no other, as boosted trees log them."""
_LOSS_WORD = re.compile(r"(^|_)(loss|nll|cross_entropy|손실)(_|$|\d)|" + _ERROR_WORD.pattern)
_NOT_A_LOSS = re.compile(r"loss_(scale|sum|weight|every|coef)|no_loss|stop_loss|_(p\d+|quantile|median|max|min|std)$")


def normal(name: str) -> str:
    """`Train/Loss`, `train loss` and `train-loss` are one name: `train_loss`."""
    return re.sub(r"[\s/.\-:@()\[\]%\"']+", "_", name.strip().lower()).strip("_") or name.strip().lower()


def role(name: str) -> str | None:
    """The role of a series, None where the name says none."""
    plain = normal(name)
    if plain.startswith(("best_", "min_", "max_")):
        return None
    known = _ROLES.get("_" + plain if name.startswith("_") else plain) or _ROLES.get(plain)
    if known:
        return known[0]
    if plain in _HELD_OUT_LOSSES or (_LOSS_WORD.search(plain) and _HELD_OUT.search(plain)):
        return None if _NOT_A_LOSS.search(plain) else VALIDATION
    if plain in _LOSS_PRIORITY or (_LOSS_WORD.search(plain) and not _NOT_A_LOSS.search(plain)):
        return LOSS
    if re.fullmatch(r"(train_)?(lr|learning_rate)(_\w+)?", plain):
        return RATE
    return None


def priority(name: str) -> tuple[int, int]:
    """Sorts the names of one role: the usual ones first."""
    plain = normal(name)
    if plain in _ROLES:
        return (0, _ROLES[plain][1])
    if plain in _LOSS_PRIORITY:
        return (0, _LOSS_PRIORITY[plain])
    if plain in _HELD_OUT_LOSSES:
        return (0, _HELD_OUT_LOSSES.index(plain))
    return (2 if _ERROR_WORD.search(plain) else 1, 0)


def is_exact_loss(name: str) -> bool:
    """Whether the name is one of the usual ones for the training loss as a whole (not of a part of it)."""
    return normal(name) in _LOSS_PRIORITY
