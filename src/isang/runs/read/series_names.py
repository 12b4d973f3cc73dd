"""The meaning of a series in a log, inferred from the words of its name."""

import re
from functools import lru_cache

STEP, EPOCH, BATCH, BATCHES = "step", "epoch", "batch", "batches"
LOSS, MEAN, VALIDATION, PERPLEXITY, METRIC = "loss", "mean", "validation", "perplexity", "metric"
RATE, NORM, SECONDS, ELAPSED, CLOCK, WINDOW = "rate", "norm", "seconds", "elapsed", "clock", "window"
DATA, EVALUATION = "data", "evaluation"

_EXACT: dict[str, tuple[str, ...]] = {
    STEP: (
        "step", "global_step", "trainer_global_step", "current_step", "current_steps", "total_timesteps",
        "timesteps_total", "num_timesteps", "num_env_steps_sampled_lifetime", "total_env_steps", "iteration", "iter",
        "iters", "iterations", "현재_스텝", "스텝", "num_updates", "update", "updates", "training_step", "train_step",
        "step_at", "s", "it", "_step", "n_iter", "steps_done", "train_steps", "global_steps", "training_iteration",
        "nupdates", "batches_done", "round", "total_env_interacts",
        "number_of_trees", "num_trees", "trees", "n_estimators",
    ),
    EPOCH: ("epoch", "에폭", "에포크", "회차", "epch", "epochs", "current_epoch", "train_epoch", "trainer_epoch", "ep"),
    BATCH: ("batch", "batch_idx", "배치"),
    MEAN: (
        "running_mean", "avg_loss", "avg", "average_loss", "mean_loss", "평균_loss", "평균_손실", "loss_avg",
        "running_loss", "running_avg_loss", "ema_loss", "smoothed_loss", "avr_loss",
    ),
    PERPLEXITY: (
        "val_ppl", "eval_ppl", "eval_perplexity", "valid_ppl", "val_perplexity", "validation_perplexity", "test_ppl",
        "ppl", "perplexity",
    ),
    RATE: ("learning_rate", "lr", "train_lr", "현재_학습률", "학습률", "lr_0", "lr_pg0", "optimizer_lr", "current_lr",
        "l_r"),
    NORM: (
        "gradient_norm", "grad_norm", "gnorm", "norm", "global_grad_norm", "total_norm", "train_grad_norm", "grdn",
        "total_grad_norm", "gradnorm", "grad_l2",
    ),
    SECONDS: (
        "step_seconds", "seconds", "step_time", "time_per_step", "sec_per_step", "batch_time", "iter_time",
        "time_per_iteration", "elapsed_time_per_iteration", "time", "dt", "updt_s", "avg_batch_cost", "batch_cost",
        "time_this_iter_s", "update_s", "train_time_per_step", "step_duration", "소요_시간", "소요시간",
    ),
    DATA: (
        "data_time", "data_s", "avg_reader_cost", "reader_cost", "data_seconds", "data", "dataloader_time", "load_time",
        "data_load_time", "data_loading_time", "data_wait", "time_data", "fetch_time", "dataloading_s",
    ),
    EVALUATION: ("eval_runtime", "eval_time", "evaluation_time", "validation_time", "val_time", "evaluation_seconds"),
    ELAPSED: (
        "elapsed", "train_time", "_runtime", "elapsed_time", "time_elapsed", "time_total_s", "total_time",
        "passed_time", "passed", "wall_clock_seconds", "경과_시간", "경과시간",
    ),
    CLOCK: ("timestamp", "_timestamp", "wall_time", "created_at"),
    WINDOW: ("steps",),
}  # fmt: skip
_ROLES = {name: (role, rank) for role, names in _EXACT.items() for rank, name in enumerate(names)}
_BY_LAST_PART = frozenset((STEP, EPOCH, RATE, NORM, SECONDS, DATA, ELAPSED, EVALUATION))
"""Roles determined by the last part of a path alone: `time/total_timesteps`, `charts/learning_rate`."""
_SHORT = frozenset(("s", "it", "ep", "avg", "data", "time", "norm", "passed", "round", "batch", "dt"))
"""Names that say this little are not looked for at the end of a path."""

_LOSSES = (
    "loss", "train_loss", "training_loss", "loss_train", "total_loss", "lm_loss", "trl", "train_loss_step",
    "loss_step", "train_total_loss", "batch_loss", "mlm_loss", "손실", "loss_metrics_global_avg_loss",
    "train_loss_total", "train_loss_epoch", "loss_epoch", "epoch_loss", "loss_loss", "losses_total_loss",
    "train_epoch_loss", "loss_total", "overall_loss", "inertia", "cost", "train_cost", "training_cost",
)  # fmt: skip
_LOSS_PRIORITY = {name: rank for rank, name in enumerate(_LOSSES)}
_HELD_OUT = re.compile(
    r"(^|_)(val|valid|validation|eval|evaluation|test|dev|검증|평가|시험|held_out|heldout|hold_out|holdout)(?=_|\d|$)"
)
_TRAINING = re.compile(r"(^|_)(train|training|trn|learn|학습|훈련)(?=_|$)")
_HELD_OUT_LOSSES = (
    "validation_loss", "val_loss", "eval_loss", "valid_loss", "test_loss", "tel", "검증_loss", "검증_손실",
    "validation_epoch_loss", "val_epoch_loss", "eval_epoch_loss", "val_cost", "valid_cost", "validation_cost",
    "test_cost",
)  # fmt: skip
_ERROR_WORD = re.compile(r"(^|_)(m?logloss|multilogloss|rmse|mse|mae)(_|$|\d)|(^|_)l[12]$")
"""Matches errors used as the loss if there is no other, as logged by boosted trees."""
_LOSS_WORD = re.compile(
    r"(^|_)(loss|losses|nll|cross_entropy|xent|ce|bce|deviance|손실)(_|$|\d)|" + _ERROR_WORD.pattern
)
_NOT_A_LOSS = re.compile(
    r"loss_(scale|sum|weight|every|coef|fn|type|function|multiplier|ratio)|no_loss|stop_loss|auxiliary_loss_multiplier|"
    r"_(p\d+|quantile|median|max|min|std)$|grad_norm|(^|_)(lr|learning_rate)(_|$)|_loss_(time|ms|s)$"
)
_RATE = re.compile(r"(^|_)(lr|learning_rate|learn_rate)_?(\d+|group_?\d+|pg_?\d+|param_group_?\d+)?$")
_NOT_A_RATE = re.compile(
    r"(^|_)(loss|decay|scale|mult|multiplier|ratio|min|max|init|initial|base|final|config|peak)(_|$)"
)
_DATA = re.compile(r"(^|_)(data|reader|loader|dataloader|fetch)(_?(load|loading|wait))?_(time|cost|seconds|sec|wait)$")
_SECONDS = re.compile(
    r"(^|_)(step|iter|iteration|batch|update)_(time|seconds|secs?|duration|cost)(_s|_sec|_seconds)?$|"
    r"(^|_)(time|secs?|seconds|s)_per_(step|iter|iteration|batch|update|it)(_s)?$"
)
_STEP = re.compile(
    r"(^|_)((global|current|training|train|optim|optimizer|optimiser|env|update)_(steps?|iters?|iterations?)|(time|env)steps?)$"
)
_COUNTER = re.compile(r"(^|_)(steps?|iters?|iterations?|updates)$")
_NOT_A_STEP = re.compile(
    r"(^|_)(per|max|warmup|planned|num_warmup|num_train|num_training|every|sec|second|time|remaining)(_|$)"
)

_MAXIMISED = (
    "score", "reward", "rewards", "rew", "return", "returns", "map", "map50_95", "map50", "map_0", "ap", "ndcg", "mrr",
    "auc", "auroc", "auprc", "roc_auc", "f1", "fscore", "f_score", "macro_f1", "micro_f1", "dice", "iou",
    "miou", "mdice",
    "jaccard", "bleu", "sacrebleu", "chrf", "rouge", "rouge1", "rouge2", "rougel", "meteor", "cider", "spice",
    "psnr", "ssim", "r2", "kappa", "mcc", "elbo", "likelihood", "loglik", "log_lik", "win_rate", "success",
    "success_rate",
    "exact_match", "accuracy", "accuracies", "acc", "acc1", "acc5", "top1", "top5", "prec1", "correct", "pearson",
    "spearman",
    "objf", "hit", "hits", "recall", "precision", "sensitivity", "specificity", "정확도", "inception_score", "epret",
)  # fmt: skip
"""Words of what is better the higher it is, the most telling first."""
_MINIMISED = frozenset(
    (
        "loss", "losses", "error", "err", "errors", "wer", "cer", "ter", "eer", "rmse", "mse", "mae", "mape", "smape",
        "perplexity", "ppl", "fid", "kid", "lpips", "brier", "ece", "nll", "logloss", "bpc", "bpb", "distance",
        "regret",
        "neg", "negative", "hausdorff", "hd95", "der",
    )
)  # fmt: skip
_MEASURED_MINIMISED = (
    "wer",
    "cer",
    "error",
    "err",
    "fid",
    "ter",
    "eer",
    "perplexity",
    "ppl",
    "mape",
    "smape",
    "hd95",
    "der",
)
"""What is better the lower it is and is measured beside a loss, the most telling first."""
_MAXIMISED_RANK = {word: rank for rank, word in enumerate(_MAXIMISED)}
_NO_METRIC = re.compile(
    r"(^|_)(std|zero_std|threshold|time|seconds|s|ms|min|max|count|num|n|size|lr|best|worst|patience|weight|samples|runtime|"
    r"per_second|steps|frac|fraction|scale|len|length|var|clip|kl|entropy|norm|bonus|coef)(_|$)"
)
_REWARD = re.compile(
    r"^(train_|rollout_|episode_|env_runners_|charts_|eval_|critic_|objective_)*"
    r"(mean_|average_|avg_)?(ep|episode|episodic|average|avg|averageep|score|rewards?)?_?"
    r"(rew|rewards?|returns?|ret|epret|score)(_mean|_avg|s_mean)?$"
)
_POLICY = re.compile(
    r"(^|_)(kl|approx_kl|reward_std|completion_length|completions_mean_length|policy_loss|pg_loss|policy_gradient_loss|"
    r"value_loss|clip_fraction|clipfrac|clip_ratio|(?<!cross_)entropy_loss|ep_len_mean|episode_len_mean|advantages?|"
    r"policy_entropy|loss_pi|loss_v|actor_loss|critic_loss|qf_loss|exploration_rate|explained_variance|td_loss|q_values|"
    r"frac_reward_zero_std|eplen|episode_length)(_|$)"
)
_OPPONENT = re.compile(
    r"^(?:(?:train|loss|losses|adv|gan)_)*(?:loss_)?(?P<side>g|d|gen|disc|generator|discriminator|net_?g|net_?d|critic)"
    r"(?:_[ab]|_(?:loss|total|real|fake|adv|gan|adversarial))*$"
)
_RECONSTRUCTION = re.compile(r"(^|_)(mel|spec|stft|rec|recon|reconstruction|pixel|pix|l1|l2|mse|cycle)(_|$)")
_CAPITALS = re.compile(
    r"(?<=학습|훈련|검증|평가|시험)(?=손실|정확도|오차)|(?<=[a-z]{2})(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{3})|(?<=\b[a-z])(?=(?:Loss|Acc|Accuracy)\b)"
)


_TRANSLATED = {
    "训练": "train", "訓練": "train", "验证": "val", "驗證": "val", "测试": "test", "測試": "test", "損失": "loss",
    "损失": "loss", "准确率": "accuracy", "準確率": "accuracy", "精度": "accuracy", "正解率": "accuracy",
    "精确率": "precision", "召回率": "recall", "学习率": "learning_rate", "學習率": "learning_rate",
    "学習率": "learning_rate", "轮次": "epoch", "轮数": "epoch", "周期": "epoch", "エポック": "epoch", "步数": "step",
    "迭代": "iteration", "ステップ": "step", "用时": "step_time", "耗时": "step_time", "平均": "avg",
    "梯度范数": "grad_norm", "检证": "val", "検証": "val", "奖励": "reward", "困惑度": "perplexity",
    "verlust": "loss", "trainings": "train", "validierungs": "val", "validierung": "val", "epoche": "epoch",
    "lernrate": "learning_rate", "genauigkeit": "accuracy", "schritt": "step",
}  # fmt: skip
_WORDS_ELSEWHERE = re.compile("|".join(sorted(_TRANSLATED, key=len, reverse=True)), re.IGNORECASE)
"""Matches the usual words in Chinese, Japanese and German; a name may contain several without a space."""


@lru_cache(maxsize=20_000)
def normal(name: str) -> str:
    """`Train/Loss`, `train loss`, `train-loss` and `trainLoss` are one name: `train_loss`."""
    spaced = _CAPITALS.sub("_", name.strip().replace("'s ", " "))  # "training's auc", "trainLoss", "학습손실"
    if _WORDS_ELSEWHERE.search(spaced):
        spaced = _WORDS_ELSEWHERE.sub(lambda word: f"_{_TRANSLATED[word.group().lower()]}_", spaced)
    return re.sub(r"[\s/.\-:@()\[\]%\"'_|]+", "_", spaced.lower()).strip("_") or name.strip().lower()


def _last(name: str) -> str:
    """The last part of a path, the whole of another name."""
    return normal(name.rstrip("/").rsplit("/", 1)[-1])


@lru_cache(maxsize=20_000)
def role(name: str) -> str | None:
    """The role of a series, None where the name says none."""
    plain = normal(name)
    if not plain or plain.startswith(("best_", "min_", "max_", "lowest_", "highest_", "config_")):
        return None
    known = _ROLES.get("_" + plain if name.startswith("_") else plain) or _ROLES.get(plain)
    if known:
        return known[0]
    last = _last(name)
    if last.startswith(("best_", "min_", "max_")):
        return None
    if plain in _HELD_OUT_LOSSES or (_LOSS_WORD.search(plain) and _HELD_OUT.search(plain)):
        return None if _NOT_A_LOSS.search(plain) else VALIDATION
    if plain in _LOSS_PRIORITY or (_LOSS_WORD.search(plain) and not _NOT_A_LOSS.search(plain)):
        return LOSS
    if is_opponent(name):
        return LOSS
    if last != plain and last in _ROLES and _ROLES[last][0] in _BY_LAST_PART and last not in _SHORT:
        return None if _ROLES[last][0] != EVALUATION and _HELD_OUT.search(plain) else _ROLES[last][0]
    if (_RATE.search(last) or re.fullmatch(r"(train_)?(lr|learning_rate)(_\w+)?", plain)) and not _NOT_A_RATE.search(
        plain
    ):
        return RATE
    if _DATA.search(plain):
        return DATA
    if _SECONDS.search(last) and not _HELD_OUT.search(plain):
        return SECONDS
    if _STEP.search(last) and not _NOT_A_STEP.search(plain):
        return STEP
    return METRIC if direction(name) or is_measured_error(name) else None


@lru_cache(maxsize=20_000)
def direction(name: str) -> bool | None:
    """Whether a series is better the higher it is; None where the name does not say."""
    plain = normal(name)
    words = plain.split("_")
    if re.search(r"(neg|negative)_log_(likelihood|lik)", plain):
        return False
    if re.search(r"rewards?_(chosen|rejected)$", plain):
        return None  # parts of a preference; what counts is their distance
    if _NO_METRIC.search(plain) and not re.search(r"(^|_)(exact_match|ep_rew_mean)", plain):
        return None
    if any(word in _MINIMISED for word in words):
        return False
    found = _metric_rank(plain) < len(_MAXIMISED)
    return True if found else None


def _metric_rank(plain: str) -> int:
    """The place of the most telling word of a name, the number of words where it has none."""
    words = [word.rstrip("0123456789") or word for word in plain.split("_")] + plain.split("_")
    last = plain.rsplit("_", 2)
    words += ["_".join(last[-2:])]
    return min((_MAXIMISED_RANK[word] for word in words if word in _MAXIMISED_RANK), default=len(_MAXIMISED))


def metric_priority(name: str) -> tuple[int, int]:
    """Sort key of metrics: the most informative first; then the stricter name (`mAP50-95` before `mAP50`)."""
    plain = normal(name)
    words = set(plain.split("_"))
    if direction(name) is False:
        return (min((r for r, w in enumerate(_MEASURED_MINIMISED) if w in words), default=len(_MAXIMISED)), 0)
    whole = re.search(r"50_95|5_(0_)?95|macro|mean|avg|overall", plain)
    return (_metric_rank(plain), 0 if whole else len(plain.split("_")))  # `bbox/AP` before `bbox/AP-person`


def is_measured_error(name: str) -> bool:
    """Whether the name is that of an error which is measured beside a loss, such as a word error rate."""
    return direction(name) is False and bool(set(normal(name).split("_")) & set(_MEASURED_MINIMISED))


def may_count(name: str) -> bool:
    """Whether a series that only grows counts steps by this name: `total_steps` alone may be the plan."""
    return role(name) is None and bool(_COUNTER.search(normal(name)))


def is_held_out(name: str) -> bool:
    """Whether the name says that the series was measured on data that the training does not see."""
    return bool(_HELD_OUT.search(normal(name))) or name.startswith("metrics/")


def is_training(name: str) -> bool:
    """Whether the name says that the series was measured on the training data."""
    return bool(_TRAINING.search(normal(name)))


def is_reward(name: str) -> bool:
    """Whether the series is the reward of reinforcement learning as a whole (no part of it, no spread)."""
    plain = normal(name)
    return bool(_REWARD.match(plain) or _REWARD.match(_last(name))) and plain not in ("score", "scores")


def is_of_policy(name: str) -> bool:
    """Whether only the training of a policy logs such a series."""
    return bool(_POLICY.search(normal(name)))


def is_opponent(name: str) -> bool:
    """Whether the series is the loss of an opponent, a generator or a discriminator."""
    return _OPPONENT.match(normal(name)) is not None


def says_loss(name: str) -> bool:
    """Whether the name itself says that the series is a loss."""
    return bool(re.search(r"(^|_)(loss|losses|err|error)(_|$)", normal(name)))


def is_reconstruction(name: str) -> bool:
    """Whether the loss is the distance of what a generator makes from what it should be."""
    return bool(_RECONSTRUCTION.search(normal(name)))


def measure(name: str) -> str:
    """The name without what says on which data it was measured: `loss` of `train/loss` and of `val_loss`."""
    plain = _TRAINING.sub("_", re.sub(_HELD_OUT.pattern + r"(_?\d+(?=_))?", "_", normal(name)))
    return re.sub(r"_+", "_", re.sub(r"(^|_)(set|s|epoch|step)(?=_|$)", "_", plain)).strip("_")


def set_number(name: str) -> tuple[str, int] | None:
    """The name of a numbered held-out set and its number: ("validation_#_logloss", 1) of `validation_1-logloss`."""
    match = re.search(r"(^|_)(?:val|valid|validation|eval|test)_(\d+)(?=_|$)", normal(name))
    return (normal(name)[: match.start(2)] + "#" + normal(name)[match.end(2) :], int(match[2])) if match else None


def priority(name: str) -> tuple[int, int]:
    """Sorts the names of one role: the usual ones first."""
    plain = normal(name)
    if plain in _ROLES:
        return (0, _ROLES[plain][1])
    if plain in _LOSS_PRIORITY:
        return (0, _LOSS_PRIORITY[plain])
    if plain in _HELD_OUT_LOSSES:
        return (0, _HELD_OUT_LOSSES.index(plain))
    last = _last(name)
    if "/" in name and last in _LOSS_PRIORITY:
        return (1, _LOSS_PRIORITY[last])
    if last in _ROLES:
        return (1, _ROLES[last][1])
    if _ERROR_WORD.search(plain):
        return (60, int(plain.endswith(("l1", "l2"))))
    return (2 + len(measure(name).replace("cross_entropy", "ce").split("_")), 0)


def is_error(name: str) -> bool:
    """Whether the name is that of an error that can be used as the loss."""
    return bool(_ERROR_WORD.search(normal(name)))


def is_exact_loss(name: str) -> bool:
    """Whether the name is one of the usual ones for the training loss as a whole (not of a part of it)."""
    return priority(name)[0] < 2
