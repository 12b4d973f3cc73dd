"""Twelve logs of trainers that no earlier round has, half consoles and half files, written before the judge was looked at; to develop on."""

# ruff: noqa: E501, PERF401 - the lines of logs are as long as they are

import json
from datetime import timedelta

import numpy as np
from invented_runs.shapes import Log, Right, clock, lines, power

R = np.random.Generator


def boxes_dictionary_ends_in_nan(rng: R) -> Log:
    """A step line and then a dictionary of parts over several lines, each 100 steps; the total is nan from step 9,100 of 20,000 on."""
    out = []
    for i, now in zip(range(1, 121), clock("2023-08-04 09:12:00", 41, rng, 120), strict=True):
        broken = i > 90
        cls, loc = (
            0.21 + 0.9 * np.exp(-i / 14) + 0.02 * rng.standard_normal(),
            0.14 + 0.5 * np.exp(-i / 18) + 0.012 * rng.standard_normal(),
        )
        total = "nan" if broken else f"{cls + loc + 0.152:.8f}"
        stamp = now.strftime("%m%d %H:%M:%S.%f")
        out += [
            f"INFO:tensorflow:Step {100 * i} per-step time {0.41 + 0.01 * rng.random():.3f}s",
            f"I{stamp} 139911 model_lib_v2.py:705] Step {100 * i} per-step time {0.41 + 0.01 * rng.random():.3f}s",
            f"INFO:tensorflow:{{'Loss/classification_loss': {'nan' if broken else f'{cls:.8f}'},",
            f" 'Loss/localization_loss': {'nan' if broken else f'{loc:.8f}'},",
            " 'Loss/regularization_loss': 0.15200001,",
            f" 'Loss/total_loss': {total},",
            f" 'learning_rate': {min(1.0, i / 20) * 0.04:.8f}}}",
        ]
    return Log({"train.txt": lines(out)}, Right((("finite",),), ("stopping_point", "divergence", "decreasing", "convergence"), read={"losses": 120, "last_step": 12000}))  # fmt: skip


def crawler_never_learns(rng: R) -> Log:
    """`[INFO] Crawler. Step: 30000. Time Elapsed: 61.2 s. Mean Reward: 0.4. Std of Reward: 0.2. Training.`; the reward never rises."""
    out = ["[INFO] Connected to Unity environment with package version 2.3.0 and communication version 1.5.0"]
    for i in range(1, 151):
        out.append(
            f"[INFO] Crawler. Step: {30000 * i}. Time Elapsed: {58.4 * i + rng.random():.3f} s. Mean Reward: {1.9 + 0.22 * rng.standard_normal():.3f}. Std of Reward: {1.1 + 0.1 * rng.random():.3f}. Training."
        )
    return Log({"agents.log": lines(out)}, Right((("decreasing",),), ("stopping_point", "convergence"), {"divergence": "ok"}, {"losses": 150, "last_step": 4500000, "maximised": 1}))  # fmt: skip


def coloured_pretraining_diverges(rng: R) -> Log:
    """`step: 10  loss:  8.12  memory: 36.91GiB(38.8%)  tps: 7,123 ...` with colours and the rank before it; from step 1,400 of 2,000 the loss climbs and stays high."""
    out, n = ["[rank0]:[titan] 2024-11-02 08:00:01,020 - root - INFO - Training starts at step 1."], 200
    curve = power(n, 11.4, 2.1, 0.33) + 0.05 * rng.standard_normal(n)
    for i, now in zip(range(n), clock("2024-11-02 08:00:05", 12, rng, n), strict=True):
        loss = curve[i] + (0 if i < 140 else 3.1 * (1 - np.exp(-(i - 140) / 12)))
        out.append(
            f"[rank0]:[titan] {now:%Y-%m-%d %H:%M:%S},{int(rng.integers(1000)):03d} - root - INFO - \x1b[31mstep: {10 * (i + 1):2d}  \x1b[32mloss: {loss:7.4f}  \x1b[33mmemory: 36.91GiB(38.80%)  \x1b[34mtps: {7123 + int(40 * rng.standard_normal()):,}  \x1b[36mtflops: {412.1 + rng.standard_normal():.2f}  \x1b[35mmfu: {41.6 + 0.1 * rng.standard_normal():.2f}%\x1b[39m"
        )
    return Log({"titan.log": lines(out)}, Right((("divergence",),), ("stopping_point", "convergence", "decreasing", "stability"), {"finite": "ok"}, {"losses": n, "last_step": 2000}))  # fmt: skip


def tree_of_sets_overfits(rng: R) -> Log:
    """`SUMMARY OF EPOCH 3` and a tree of Train and Validation with their losses and a metric; the validation turns at epoch 15 of 60."""
    out = []
    for e in range(60):
        t = 0.31 + 2.1 * np.exp(-e / 13)
        v = 1.15 + 1.3 * np.exp(-e / 5) + 0.021 * max(0, e - 15) + 0.012 * rng.standard_normal()
        out += [
            "===========================================================",
            f"SUMMARY OF EPOCH {e}",
            "├── Train",
            f"│   ├── Crossentropyloss = {t:.4f}",
            f"│   └── Accuracy = {0.97 - 0.6 * np.exp(-e / 10):.4f}",
            "└── Validation",
            f"    ├── Crossentropyloss = {v:.4f}",
            f"    └── Accuracy = {0.72 - 0.4 * np.exp(-e / 5) - 0.0012 * max(0, e - 18) + 0.003 * rng.standard_normal():.4f}",
            "",
        ]
    return Log({"console.log": lines(out)}, Right((("overfitting",),), ("stopping_point",), {"finite": "ok"}, {"losses": 60, "validations": 60}))  # fmt: skip


def histogram_trees_overfit(rng: R) -> Log:
    """`[12/400] 1 tree, 31 leaves, max depth = 9, train loss: 0.31, val loss: 0.41, in 0.011s`."""
    out = [
        "Binning 0.004 GB of training data: 0.051 s",
        "Binning 0.000 GB of validation data: 0.003 s",
        "Fitting gradient boosted rounds:",
    ]
    for i in range(1, 401):
        v = 0.352 + 0.33 * np.exp(-i / 21) + 0.00052 * max(0, i - 70) + 0.0006 * rng.standard_normal()
        out.append(
            f"[{i}/400] 1 tree, 31 leaves, max depth = {int(rng.integers(7, 14))}, train loss: {0.02 + 0.67 * np.exp(-i / 75):.5f}, val loss: {v:.5f}, in {0.011 + 0.002 * rng.random():.3f}s"
        )
    out.append("Fit 400 trees in 5.112 s, (12400 total leaves)")
    return Log({"hist.txt": lines(out)}, Right((("overfitting", "stopping_point"),), ("overfitting", "stopping_point"), {"finite": "ok", "divergence": "ok"}, {"losses": 400, "validations": 400, "last_step": 400}))  # fmt: skip


def recommender_epochs_healthy(rng: R) -> Log:
    """`epoch 3 training [time: 12.30s, train loss: 123.4512]`, `epoch 3 evaluating [time: 1.10s, valid_score: 0.123400]`. Healthy; the score has flattened."""
    out = []
    for e, now in zip(range(80), clock("2024-05-06 10:00:00", 14, rng, 80), strict=True):
        stamp = now.strftime("%a %d %b %Y %H:%M:%S INFO ")
        score = 0.1832 - 0.15 * np.exp(-e / 10) + 0.0008 * rng.standard_normal()
        out += [
            f"{stamp} epoch {e} training [time: {12 + rng.random():.2f}s, train loss: {61.2 + 240 * np.exp(-e / 13) + 0.5 * rng.standard_normal():.4f}]",
            f"{stamp} epoch {e} evaluating [time: {1.1 + 0.1 * rng.random():.2f}s, valid_score: {score:.6f}]",
            f"{stamp} valid result: ",
            f"recall@10 : {score:.4f}    mrr@10 : {2.1 * score:.4f}    ndcg@10 : {1.2 * score:.4f}    hit@10 : {4 * score:.4f}    precision@10 : {0.5 * score:.4f}",
        ]
    return Log({"rec.log": lines(out)}, Right(may=("convergence", "stopping_point", "throughput"), verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok"}, read={"losses": 80}))  # fmt: skip


def live_folder_overfits(rng: R) -> Log:
    """A folder `plots/metrics/train/loss.tsv`, `plots/metrics/eval/loss.tsv`, each with `step` and its own name; beside it a summary in JSON."""
    train, held = ["step\tloss"], ["step\tloss"]
    for e in range(50):
        t, v = (
            0.09 + 1.5 * np.exp(-e / 9),
            0.71 + 0.9 * np.exp(-e / 5) + 0.016 * max(0, e - 12) + 0.01 * rng.standard_normal(),
        )
        train.append(f"{e}\t{t:.10f}")
        held.append(f"{e}\t{v:.10f}")
    return Log(
        {"dvclive/plots/metrics/train/loss.tsv": lines(train), "dvclive/plots/metrics/eval/loss.tsv": lines(held),
         "dvclive/metrics.json": json.dumps({"train": {"loss": t}, "eval": {"loss": v}, "step": 49})},
        Right((("overfitting",),), ("stopping_point",), {"finite": "ok"}, {"losses": 50, "validations": 50}),
    )  # fmt: skip


def lists_by_name_diverge(rng: R) -> Log:
    """`metrics.json`: for each name its steps, timestamps and values. The loss climbs from step 3,000 of 5,000."""
    steps = list(range(0, 5000, 10))
    times = [t.isoformat() for t in clock("2024-01-08 11:00:00", 2, rng, 500)]
    loss = [
        0.48 + 1.9 * np.exp(-s / 500) + 0.03 * rng.standard_normal() + 2.2 * max(0, (s - 3000) / 2000) ** 0.8
        for s in steps
    ]
    acc = [
        0.86 - 0.5 * np.exp(-s / 600) - 0.5 * max(0, (s - 3000) / 2000) + 0.01 * rng.standard_normal() for s in steps
    ]
    both = {
        "training.loss": {"steps": steps, "timestamps": times, "values": loss},
        "training.accuracy": {"steps": steps, "timestamps": times, "values": acc},
    }
    return Log({"metrics.json": json.dumps(both, indent=2)}, Right((("divergence",),), ("stopping_point", "decreasing", "convergence"), {"finite": "ok"}, {"losses": 500, "last_step": 4990}))  # fmt: skip


def potential_curve_healthy(rng: R) -> Log:
    """`#  step  rmse_val  rmse_trn  rmse_e_val ... lr`: errors of one batch, noisy, falling with an exponential rate to the end of the plan. Healthy."""
    out = ["#  step      rmse_val    rmse_trn    rmse_e_val  rmse_e_trn    rmse_f_val  rmse_f_trn         lr",
           "# If there is no available reference data, rmse_*_{val,trn} will print nan"]  # fmt: skip
    for i in range(401):
        rate = 1e-3 * 3.5e-5 ** (i / 400)
        base = 18 * np.sqrt(rate / 1e-3) + 0.9 + 9 * np.exp(-i / 20)
        cells = [base * rng.lognormal(0.02, 0.12), base * rng.lognormal(0, 0.12)]
        e = [0.002 + 0.05 * np.exp(-i / 50) * rng.lognormal(0, 0.5) for _ in range(2)]
        f = [0.06 + 0.6 * np.exp(-i / 60) * rng.lognormal(0, 0.12) for _ in range(2)]
        out.append(
            f"{1000 * i:7d}    {cells[0]:.2e}    {cells[1]:.2e}      {e[0]:.2e}    {e[1]:.2e}      {f[0]:.2e}    {f[1]:.2e}    {rate:.1e}"
        )
    return Log({"lcurve.out": lines(out)}, Right(may=("convergence",), verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok", "overfitting": "ok"}, read={"losses": 401, "validations": 401, "last_step": 400000}))  # fmt: skip


def episodes_file_collapses(rng: R) -> Log:
    """`#{"t_start": ..., "env_id": ...}` then `r,l,t` by episode: returns rise to 480 and fall to 15 in the last quarter."""
    out, t = ['#{"t_start": 1714980000.12, "env_id": "CartPole-v1"}', "r,l,t"], 0.0
    for i in range(800):
        level = 20 + 460 * (1 - np.exp(-i / 120)) if i < 600 else 15 + 465 * np.exp(-(i - 600) / 8)
        r = max(8, min(500, level * rng.lognormal(0, 0.15)))
        t += r / 900
        out.append(f"{r:.1f},{int(r)},{t:.6f}")
    return Log({"monitor.csv": lines(out)}, Right((("divergence",),), ("stopping_point", "decreasing", "stability", "convergence"), read={"losses": 800, "maximised": 1}))  # fmt: skip


def tagger_columns_annealed_overfit(rng: R) -> Log:
    """`loss.tsv`: EPOCH, TIMESTAMP, LEARNING_RATE, TRAIN_LOSS, DEV_LOSS, DEV_F1 ...; the dev loss rises from epoch 10 of 60."""
    out = ["EPOCH\tTIMESTAMP\tLEARNING_RATE\tTRAIN_LOSS\tDEV_LOSS\tDEV_PRECISION\tDEV_RECALL\tDEV_F1\tDEV_ACCURACY"]
    for e in range(1, 61):
        v = 0.192 + 0.4 * np.exp(-e / 3) + 0.0062 * max(0, e - 10) + 0.004 * rng.standard_normal()
        f1 = 0.861 - 0.5 * np.exp(-e / 3) + 0.002 * rng.standard_normal()
        hour = timedelta(seconds=94 * e)
        out.append(
            f"{e}\t{'1' if hour >= timedelta(hours=1) else '0'}{9 if hour < timedelta(hours=1) else 0}:{e % 60:02d}:11\t0.1000\t{0.018 + 0.7 * np.exp(-e / 8):.6f}\t{v:.6f}\t{f1 + 0.004:.4f}\t{f1 - 0.004:.4f}\t{f1:.4f}\t{f1 - 0.1:.4f}"
        )
    return Log({"loss.tsv": lines(out)}, Right((("overfitting",),), ("stopping_point",), {"finite": "ok"}, {"losses": 60, "validations": 60, "last_step": 60}))  # fmt: skip


def statistics_of_sets_healthy(rng: R) -> Log:
    """`training_statistics.json`: sets, within them outputs, within them lists by metric. Healthy, not overfitted."""

    def part(shift: float, noise: float) -> dict[str, dict[str, list[float]]]:
        loss = [0.41 + shift + 1.1 * np.exp(-e / 9) + noise * rng.standard_normal() for e in range(60)]
        acc = [0.86 - shift - 0.4 * np.exp(-e / 9) + noise * rng.standard_normal() / 2 for e in range(60)]
        return {"combined": {"loss": loss}, "label": {"accuracy": acc, "loss": loss}}

    sets = {
        "evaluation_frequency": {"frequency": 1, "period": "epoch"},
        "test": part(0.03, 0.006),
        "training": part(0.0, 0.002),
        "validation": part(0.03, 0.006),
    }
    return Log({"training_statistics.json": json.dumps(sets)}, Right(may=("convergence", "stopping_point"), verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok", "overfitting": "ok"}, read={"losses": 60, "validations": 60}))  # fmt: skip


LOGS = (
    boxes_dictionary_ends_in_nan, crawler_never_learns, coloured_pretraining_diverges, tree_of_sets_overfits,
    histogram_trees_overfit, recommender_epochs_healthy, live_folder_overfits, lists_by_name_diverge,
    potential_curve_healthy, episodes_file_collapses, tagger_columns_annealed_overfit, statistics_of_sets_healthy,
)  # fmt: skip
