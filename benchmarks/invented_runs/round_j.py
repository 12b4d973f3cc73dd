"""Twelve logs of trainers that no earlier round has, written together with the ninth round and looked at once."""

# ruff: noqa: E501, PERF401 - the lines of logs are as long as they are

import json

import numpy as np
from invented_runs.shapes import Log, Right, clock, lines, power, remembering

R = np.random.Generator


def language_model_bars_level_shift(rng: R) -> Log:
    """`samples/sec: 41 | iteration 100/32000 | elapsed time ... | lm_loss: 7.1E+00 | ...`; at iteration 21,000 the level rises by 1.4 and stays there."""
    out, n = [], 320
    curve = power(n, 10.6, 2.0, 0.35) + 0.03 * rng.standard_normal(n)
    for i in range(n):
        loss = curve[i] + (1.4 if i >= 210 else 0)
        rate = 6e-4 * min(1, (i + 1) / 6) * (0.55 + 0.45 * np.cos(np.pi * i / n))
        out.append(
            f" samples/sec: {41.2 + 0.3 * rng.standard_normal():.3f} | iteration {100 * (i + 1):8d}/   32000 | elapsed time per iteration (ms): {6213 + 20 * rng.standard_normal():.1f} | learning rate: {rate:.3E} | approx flops per GPU: 98.{int(rng.integers(10))}TFLOPS | lm_loss: {loss:.6E} | loss scale: 65536.0 | number of skipped iterations:   0 | number of nan iterations:   0 |"
        )
    return Log({"neo.log": lines(out)}, Right((("divergence", "stability", "spikes"),), ("divergence", "stability", "spikes", "stopping_point", "convergence", "decreasing"), {"finite": "ok"}, {"losses": n, "last_step": 32000}))  # fmt: skip


def translation_batches_healthy(rng: R) -> Log:
    """`Epoch 3, Step: 1200, Batch Loss: 2.34, Batch Acc: 0.51, Tokens per Sec: 4512, Lr: 0.000300` and a validation each 1,000 steps. Healthy."""
    out = []
    for i, now in zip(range(1, 401), clock("2023-03-02 18:00:00", 21, rng, 400), strict=True):
        stamp = f"{now:%Y-%m-%d %H:%M:%S},{int(rng.integers(1000)):03d} - INFO - joeynmt.training - "
        out.append(
            f"{stamp}Epoch {1 + i // 60:3d}, Step: {100 * i:8d}, Batch Loss: {1.62 + 4.5 * np.exp(-i / 45) + 0.09 * rng.standard_normal():12.6f}, Batch Acc: {0.62 - 0.5 * np.exp(-i / 45):.6f}, Tokens per Sec: {4512 + 60 * rng.standard_normal():8.0f}, Lr: {3e-4 * min(1, i / 40):.6f}"
        )
        if i % 10 == 0:
            loss = 1.71 + 4.2 * np.exp(-i / 45) + 0.01 * rng.standard_normal()
            out.append(
                f"{stamp}Evaluation result (greedy): bleu: {31.2 - 30 * np.exp(-i / 60):6.2f}, loss: {loss:6.2f}, ppl: {np.exp(loss):6.2f}, acc: {0.61 - 0.5 * np.exp(-i / 45):6.2f}, generation: 10.3[sec], evaluation: 0.4[sec]"
            )
    return Log({"nmt.log": lines(out)}, Right(may=("convergence", "stopping_point"), verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok", "overfitting": "ok"}, read={"losses": 400, "validations": 40, "last_step": 40000}))  # fmt: skip


def losses_between_bars_never_move(rng: R) -> Log:
    """`Step    500: train CrossEntropyLoss |  2.30`, `Step    500: eval  CrossEntropyLoss |  2.30`: nothing is learned; the rate that is printed is 0."""
    out = []
    for i in range(1, 81):
        s = 500 * i
        out += [
            f"Step {s:6d}: Ran 500 train steps in {21 + rng.random():.2f} secs",
            f"Step {s:6d}: train CrossEntropyLoss |  {2.3094 + 0.004 * rng.standard_normal():.8f}",
            f"Step {s:6d}: eval  CrossEntropyLoss |  {2.3101 + 0.003 * rng.standard_normal():.8f}",
            f"Step {s:6d}: eval          Accuracy |  {0.1 + 0.006 * rng.standard_normal():.8f}",
            "",
        ]
    return Log({"trx.txt": lines(out)}, Right((("decreasing",),), ("stopping_point", "convergence"), {"finite": "ok", "divergence": "ok"}, {"losses": 80, "validations": 80, "last_step": 40000}))  # fmt: skip


def cells_test_loss_overfits(rng: R) -> Log:
    """`2024-... [INFO] 10, train_loss=0.81, test_loss=0.60, LR=0.1000, time 12.10s`: the test loss turns at 120 of 500."""
    out = []
    for e, now in zip(range(0, 500, 5), clock("2024-02-02 12:00:00", 30, rng, 100), strict=True):
        v = 0.212 + 0.5 * np.exp(-e / 30) + 0.00035 * max(0, e - 120) + 0.004 * rng.standard_normal()
        out.append(f"{now:%Y-%m-%d %H:%M:%S},{int(rng.integers(1000)):03d} [INFO] {e}, train_loss={0.04 + 0.7 * np.exp(-e / 70):.4f}, test_loss={v:.4f}, LR={0.1 * min(1, (e + 1) / 10):.6f}, time {6 * e + rng.random():.2f}s")  # fmt: skip
    return Log({"cells.log": lines(out)}, Right((("overfitting",),), ("stopping_point",), {"finite": "ok"}, {"losses": 100, "validations": 100, "last_step": 495}))  # fmt: skip


def agents_test_reward_healthy(rng: R) -> Log:
    """A bar of each epoch with loss and reward, then `Epoch #3: test_reward: 190.2 ± 3.1, best_reward: 195.1 ± 2.0 in #2`. It learns."""
    out, best, at = [], 0.0, 0
    for e in range(1, 61):
        r = 200 - 178 * np.exp(-e / 12) + 4 * rng.standard_normal()
        best, at = (r, e) if r > best else (best, at)
        out += [
            f"Epoch #{e}: 10001it [00:{8 + int(3 * rng.random()):02d}, 1102.{int(rng.integers(100)):02d}it/s, env_step={10000 * e}, len={int(r)}, loss={0.2 + 0.3 * rng.random():.3f}, n/ep=10, n/st=100, rew={r + 5 * rng.standard_normal():.2f}]",
            f"Epoch #{e}: test_reward: {r:.6f} ± {3 + rng.random():.6f}, best_reward: {best:.6f} ± 2.100000 in #{at}",
        ]
    return Log({"tian.log": lines(out)}, Right(may=("convergence", "stopping_point"), verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok"}, read={"losses": 60, "maximised": 1}))  # fmt: skip


def slim_loss_is_dead(rng: R) -> Log:
    """`INFO:tensorflow:global step 120: loss = 2.3411 (0.312 sec/step)`; from step 900 of 3,000 it is 0.0000."""
    out = []
    for i in range(1, 301):
        loss = 0.0 if i > 90 else 0.4 + 2.2 * np.exp(-i / 20) + 0.06 * rng.standard_normal()
        out.append(
            f"INFO:tensorflow:global step {10 * i}: loss = {loss:.4f} ({0.31 + 0.01 * rng.random():.3f} sec/step)"
        )
    return Log({"slim.log": lines(out)}, Right((("finite", "decreasing", "convergence", "divergence", "stability"),), ("finite", "decreasing", "convergence", "divergence", "stability", "stopping_point", "spikes"), read={"losses": 300, "last_step": 3000}))  # fmt: skip


def trials_of_a_study(rng: R) -> Log:
    """`Trial 12 finished with value: 0.83 and parameters: {...}. Best is trial 7 ...`: separate trainings, no run; nothing of it is a problem."""
    out, best, at = ["[I 2024-04-04 10:00:00,001] A new study created in memory with name: no-name-0f2c"], 0.0, 0
    for i, now in zip(range(120), clock("2024-04-04 10:00:00", 50, rng, 120), strict=True):
        v = 0.81 + 0.05 * rng.beta(4, 2) - (0.3 if rng.random() < 0.06 else 0)
        best, at = (v, i) if v > best else (best, at)
        out.append(f"[I {now:%Y-%m-%d %H:%M:%S},{int(rng.integers(1000)):03d}] Trial {i} finished with value: {v:.12f} and parameters: {{'learning_rate': {10 ** rng.uniform(-4, -1):.10f}, 'max_depth': {int(rng.integers(3, 12))}, 'subsample': {rng.uniform(0.5, 1):.8f}}}. Best is trial {at} with value: {best:.12f}.")  # fmt: skip
    return Log({"study.log": lines(out)}, Right(may=("stopping_point",), verdicts={"divergence": "ok|cannot_tell|not_applicable", "finite": "ok|cannot_tell|not_applicable"}))  # fmt: skip


def checkpoints_perplexity_overfits(rng: R) -> Log:
    """A file `metrics`: `12<tab>epoch=3<tab>perplexity-train=7.1<tab>perplexity-val=8.2<tab>...`; the held-out one turns at 20 of 70."""
    out = []
    for c in range(1, 71):
        v = 8.9 + 60 * np.exp(-c / 4) + 0.085 * max(0, c - 20) + 0.05 * rng.standard_normal()
        out.append(
            f"{c}\tepoch={c // 6}\tlearning-rate=0.000200\tgradient-norm={0.6 + 0.05 * rng.random():.6f}\ttime-elapsed={311.2 * c:.6f}\tperplexity-train={2.2 + 70 * np.exp(-c / 9):.6f}\tperplexity-val={v:.6f}\tused-gpu-memory=8121"
        )
    return Log({"metrics": lines(out)}, Right((("overfitting",),), ("stopping_point",), {"finite": "ok"}, {"losses": 70, "validations": 70}))  # fmt: skip


def reports_as_json_nan(rng: R) -> Log:
    """A file `log`: a JSON list, each epoch `main/loss`, `validation/main/loss`, `main/accuracy`, `elapsed_time`, `iteration`; NaN from epoch 22 of 40 on."""
    rows = []
    for e in range(1, 41):
        bad = e >= 22
        rows.append({"main/loss": float("nan") if bad else 0.3 + 1.6 * np.exp(-e / 7), "main/accuracy": 0.1 if bad else 0.9 - 0.5 * np.exp(-e / 7),
                     "validation/main/loss": float("nan") if bad else 0.36 + 1.4 * np.exp(-e / 7) + 0.008 * rng.standard_normal(),
                     "validation/main/accuracy": 0.098 if bad else 0.88 - 0.5 * np.exp(-e / 7), "lr": 0.1, "epoch": e, "iteration": 391 * e, "elapsed_time": 18.2 * e})  # fmt: skip
    return Log({"log": json.dumps(rows, indent=4)}, Right((("finite",),), ("stopping_point", "divergence", "decreasing", "convergence", "overfitting"), read={"losses": 40}))  # fmt: skip


def progress_scores_overfit(rng: R) -> Log:
    """`training_progress_scores.csv`: global_step, counts of right and wrong, mcc, train_loss, eval_loss; the held-out loss turns early."""
    out = ["global_step,tp,tn,fp,fn,mcc,train_loss,eval_loss"]
    for i in range(1, 41):
        v = 0.36 + 0.3 * np.exp(-i / 3) + 0.021 * max(0, i - 9) + 0.008 * rng.standard_normal()
        tp, tn = 410 + int(4 * rng.standard_normal()), 402 + int(4 * rng.standard_normal())
        out.append(
            f"{250 * i},{tp},{tn},{500 - tn},{500 - tp},{(tp + tn) / 500 - 1:.10f},{0.01 + 0.6 * np.exp(-i / 6) * rng.lognormal(0, 0.2):.10f},{v:.10f}"
        )
    return Log({"training_progress_scores.csv": lines(out)}, Right((("overfitting",),), ("stopping_point",), {"finite": "ok"}, {"losses": 40, "validations": 40, "last_step": 10000}))  # fmt: skip


def pose_statistics_healthy(rng: R) -> Log:
    """`iteration: 500 loss: 0.0123 lr: 0.005`, the rate in stairs to 0.001; healthy, a slow end. Printed with a count of images before."""
    out = [
        "Training parameters:",
        "{'stride': 8.0, 'weight_decay': 0.0001, 'multi_step': [[0.005, 10000], [0.02, 430000], [0.002, 730000], [0.001, 1030000]]}",
    ]
    for i in range(1, 401):
        rate = 0.005 if i <= 20 else 0.02 if i <= 300 else 0.002
        out.append(
            f"iteration: {500 * i} loss: {0.0016 + 0.02 * np.exp(-i / 30) + (0.0006 if i <= 300 else 0.0) + 0.00009 * remembering(rng, 1, 0)[0]:.4f} lr: {rate}"
        )
    return Log({"pose.txt": lines(out)}, Right(may=("convergence", "stopping_point"), verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok"}, read={"losses": 400, "last_step": 200000}))  # fmt: skip


def potentials_by_mode_healthy(rng: R) -> Log:
    """JSON lines: each batch `{"loss": .., "time": .., "mode": "opt", "epoch": 3}`, each epoch `{"mode": "eval", "loss": .., "mae_e": ..}`. Healthy."""
    out = []
    for e in range(40):
        for b in range(25):
            out.append(json.dumps({"loss": 0.02 + 0.6 * np.exp(-(25 * e + b) / 180) * rng.lognormal(0, 0.1), "time": 0.08 + 0.01 * rng.random(), "mode": "opt", "epoch": e}))  # fmt: skip
        out.append(json.dumps({"loss": 0.024 + 0.55 * np.exp(-e / 7) + 0.0008 * rng.standard_normal(), "mae_e": 0.4 + 3 * np.exp(-e / 7), "rmse_f": 0.03 + 0.2 * np.exp(-e / 7), "time": 2.1, "mode": "eval", "epoch": e}))  # fmt: skip
    return Log({"MACE_model_run-3_train.txt": lines(out)}, Right(may=("convergence", "stopping_point"), verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok", "overfitting": "ok"}, read={"losses": 1000, "validations": 40}))  # fmt: skip


LOGS = (
    language_model_bars_level_shift, translation_batches_healthy, losses_between_bars_never_move, cells_test_loss_overfits,
    agents_test_reward_healthy, slim_loss_is_dead, trials_of_a_study, checkpoints_perplexity_overfits,
    reports_as_json_nan, progress_scores_overfit, pose_statistics_healthy, potentials_by_mode_healthy,
)  # fmt: skip
