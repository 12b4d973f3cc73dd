"""Twenty logs that are looked at once, when the rules stand: other trainers, other faults, own words and numbers."""

# ruff: noqa: E501, PERF401 - the lines of logs are as long as they are

import csv
import io
import json

import numpy as np
from invented_runs.shapes import (
    Log,
    Right,
    clock,
    heavy,
    lines,
    remembering,
    skewed,
    warm_cosine,
    warm_linear,
)

R = np.random.Generator


def axolotl_rate_resets_at_resume(rng: R) -> Log:
    """At step 340 of 600 the run was resumed with a new scheduler: the cosine begins at its top again, the loss jumps."""
    out = []
    first, second = warm_cosine(340, 2e-4, 10, 0, 600), warm_cosine(260, 2e-4, 10, 0, 600)
    for i in range(600):
        again = i >= 340
        rate = second[i - 340] if again else first[i]
        loss = (
            0.95
            + 1.1 * np.exp(-i / 60)
            - 0.0003 * i
            + (0.35 * np.exp(-(i - 340) / 60) if again else 0)
            + 0.04 * rng.standard_normal()
        )
        if i == 340:
            out.append("[INFO] [axolotl.train:212] [PID:4187] Starting trainer from checkpoint ./out/checkpoint-340...")
        row = {"loss": round(float(loss), 4), "grad_norm": float(rng.lognormal(-0.9, 0.25)), "learning_rate": float(rate),
               "memory/max_active (GiB)": 21.4, "memory/max_allocated (GiB)": 21.4, "epoch": round((i + 1) / 200, 2)}  # fmt: skip
        out.append(
            f"{100 * (i + 1) // 600:3d}%|██▎       | {i + 1}/600 [{i // 12:02d}:{5 * i % 60:02d}<38:20,  5.01s/it]"
        )
        out.append(str(row))
    return Log(
        {"axolotl.log": lines(out)},
        Right(
            (("schedule", "restarts"),),
            ("divergence", "stopping_point", "convergence"),
            read={"losses": 600, "last_step": 600},
        ),
    )


def torchtune_heavy_tails(rng: R) -> Log:
    """Single batches of very unequal answers: heavy tails, no fault; the loss has long been flat."""
    out, n = [], 1200
    loss = 0.86 + 0.5 * np.exp(-np.arange(n) / 90) + 0.09 * np.clip(heavy(rng, n), -5, 9)
    rates = np.minimum(1, (np.arange(n) + 1) / 100) * 2e-5
    for i in range(n):
        out.append(f"Step {i + 1} | loss:{loss[i]} lr:{rates[i]} tokens_per_second_per_gpu:{2811 + 60 * rng.standard_normal()} "
                   f"grad_norm:{rng.lognormal(1, 0.3)} peak_memory_active:38.2 peak_memory_alloc:38.2 peak_memory_reserved:41.0 ")  # fmt: skip
    return Log(
        {"log_1712000000.txt": lines(out)},
        Right(verdicts={"decreasing": "ok", "spikes": "ok"}, read={"losses": n, "last_step": n}),
    )


def llamafactory_overfit(rng: R) -> Log:
    rows, n = [], 450
    rates = warm_cosine(n, 1e-4, 45)
    for i in range(n):
        step = 5 * (i + 1)
        rows.append({"current_steps": step, "total_steps": 2250, "loss": round(float(0.12 + 1.5 * np.exp(-i / 130) + 0.05 * abs(rng.standard_normal())), 4),
                     "lr": float(rates[i]), "epoch": round(step / 225, 2), "percentage": round(step / 22.5, 2),
                     "elapsed_time": f"{step * 3 // 3600}:{step * 3 // 60 % 60:02d}:{step * 3 % 60:02d}", "remaining_time": "0:30:00"})  # fmt: skip
        if step % 150 == 0:
            late = max(0, i - 150) / 300
            rows.append({"current_steps": step, "total_steps": 2250, "eval_loss": round(float(1.02 + 0.5 * np.exp(-i / 60) + 0.75 * late + 0.01 * rng.standard_normal()), 6),
                         "epoch": round(step / 225, 2), "percentage": round(step / 22.5, 2), "elapsed_time": "0:00:00", "remaining_time": "0:00:00"})  # fmt: skip
    return Log({"saves/lora/sft/trainer_log.jsonl": lines([json.dumps(r) for r in rows])},
               Right((("overfitting",),), ("stopping_point",), read={"losses": n, "validations": 15, "last_step": 2250}))  # fmt: skip


def wandb_export_diverges(rng: R) -> Log:
    """A chart's export: one run with its smallest and largest value. The loss turns upwards at 60 %."""
    out = io.StringIO()
    table = csv.writer(out, quoting=csv.QUOTE_ALL)
    name = "dashing-river-41 - train/loss"
    table.writerow(["Step", name, f"{name}__MIN", f"{name}__MAX"])
    for i in range(500):
        loss = 0.9 + 5 * np.exp(-i / 50) + 2.4 * max(0, (i - 300) / 200) ** 0.7 + 0.06 * remembering(rng, 1, 0)[0]
        table.writerow([50 * i, *[f"{loss:.15g}"] * 3])
    return Log({"wandb_export_2024-06-01T10_00_00.000+09_00.csv": out.getvalue()},
               Right((("divergence",),), ("stopping_point", "decreasing"), read={"losses": 500, "last_step": 24950}))  # fmt: skip


def mlflow_overfit(rng: R) -> Log:
    """`mlruns/0/RUN/metrics/NAME`: time in ms, value, step on each line."""
    train, held, acc = [], [], []
    for e in range(60):
        stamp = 1717200000000 + 31000 * e
        train.append(f"{stamp} {0.05 + 1.4 * np.exp(-e / 12):.12f} {e}")
        held.append(
            f"{stamp + 900} {0.62 + 0.8 * np.exp(-e / 6) + 0.014 * max(0, e - 14) + 0.012 * rng.standard_normal():.12f} {e}"
        )
        acc.append(
            f"{stamp + 901} {0.79 - 0.4 * np.exp(-e / 6) - 0.0008 * max(0, e - 14) + 0.004 * rng.standard_normal():.6f} {e}"
        )
    base = "mlruns/0/4f1c2d3e4a5b4c6d8e9f0a1b2c3d4e5f"
    return Log(
        {f"{base}/metrics/train_loss": lines(train), f"{base}/metrics/val_loss": lines(held), f"{base}/metrics/val_accuracy": lines(acc),
         f"{base}/params/lr": "0.001", f"{base}/params/epochs": "60", f"{base}/meta.yaml": "run_name: baseline\nstatus: 3\n"},
        Right((("overfitting",),), ("stopping_point",), read={"losses": 60, "validations": 60}),
    )  # fmt: skip


def tensorboard_csv_converged(rng: R) -> Log:
    """What the page's download button gives: one series with wall times. Flat for its second half."""
    rows = ["Wall time,Step,Value"]
    for i in range(1000):
        rows.append(
            f"{1717200000 + 4.1 * i:.6f},{20 * i},{0.052 + 0.5 * np.exp(-i / 60) + 0.006 * skewed(rng, 1)[0]:.9f}"
        )
    return Log({"run-baseline-tag-loss_train.csv": lines(rows)},
               Right(verdicts={"decreasing": "ok", "convergence": "ok"}, read={"losses": 1000, "last_step": 19980}))  # fmt: skip


def notebook_overfit(rng: R) -> Log:
    """A loop with print in a cell: training and validation loss and accuracy of 30 epochs."""
    text = []
    for e in range(1, 31):
        t, v = (
            0.03 + 0.9 * np.exp(-e / 5),
            0.44 + 0.5 * np.exp(-e / 3) + 0.016 * max(0, e - 8) + 0.006 * rng.standard_normal(),
        )
        text.append(
            f"Epoch [{e}/30] | Train Loss: {t:.4f} | Train Acc: {100 - 30 * t:.2f}% | Val Loss: {v:.4f} | Val Acc: {92 - 15 * v:.2f}%\n"
        )
    cell = {"cell_type": "code", "execution_count": 9, "id": "a1", "metadata": {}, "source": ["train(model)\n"],
            "outputs": [{"name": "stdout", "output_type": "stream", "text": text}]}  # fmt: skip
    intro = {"cell_type": "markdown", "id": "a0", "metadata": {}, "source": ["# Cats\n", "best loss so far: 0.9"]}
    book = {
        "cells": [intro, cell],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return Log(
        {"train.ipynb": json.dumps(book, indent=1)},
        Right((("overfitting",),), ("stopping_point",), read={"losses": 30, "validations": 30}),
    )


def sklearn_early_stop(rng: R) -> Log:
    """MLPClassifier with early stopping: a held-out accuracy per iteration that is flat at its end."""
    out = []
    for i in range(1, 61):
        out += [f"Iteration {i}, loss = {0.21 + 0.6 * np.exp(-i / 9) + 0.002 * rng.standard_normal():.8f}",
                f"Validation score: {0.91 - 0.35 * np.exp(-i / 6) + 0.004 * rng.standard_normal():.6f}"]  # fmt: skip
    out.append("Validation score did not improve more than tol=0.000100 for 10 consecutive epochs. Stopping.")
    return Log(
        {"mlp.txt": lines(out)},
        Right(
            verdicts={"decreasing": "ok"}, may=("convergence", "stopping_point"), read={"losses": 60, "last_step": 60}
        ),
    )


def darknet_nan_at_the_end(rng: R) -> Log:
    out = ["Learning Rate: 0.001, Momentum: 0.949, Decay: 0.0005", " Detection layer: 139 - type = 28 "]
    for i in range(1, 1001):
        loss = 2.1 + 1900 * np.exp(-i / 60) + 0.1 * abs(rng.standard_normal())
        told = f"{loss:.6f}, {loss * 1.02:.6f}" if i < 930 else "-nan, -nan"
        out.append(f" (next mAP calculation at 1000 iterations) \n {i}: {told} avg loss, {min(1, i / 1000) ** 4 * 0.001:.6f} rate, "
                   f"{4.2 + 0.1 * rng.random():.6f} seconds, {64 * i} images, {5.1 - i / 250:.6f} hours left")  # fmt: skip
    return Log(
        {"yolov4.log": lines(out)},
        Right((("finite",),), ("schedule", "divergence", "decreasing", "spikes", "restarts"), read={"last_step": 1000}),
    )


def clu_only_warm_up(rng: R) -> Log:
    """JAX with clu's writer. 8,000 of 100,000 steps, and the rate still rises to its peak at 10,000."""
    out = ["I0612 10:00:00.000100 140012345678912 train.py:210] Config: num_train_steps=100000 warmup_steps=10000"]
    times = clock("2024-06-12 10:00:01", 21, rng, 200)
    for i in range(160):
        step, at = 50 * (i + 1), next(times)
        loss = 3.4 + 6.8 * (1 + i) ** -0.35 + 0.03 * rng.standard_normal()
        out.append(f"I0612 {at:%H:%M:%S.%f} 139812345678912 logging_writer.py:48] [{step}] learning_rate={3e-3 * step / 10000:.6g}, "
                   f"loss={loss:.6f}, steps_per_sec={2.38 + 0.02 * rng.standard_normal():.5g}, weight_decay=0.1")  # fmt: skip
    return Log({"flax.log": lines(out)}, Right(may=("schedule", "restarts"), verdicts={"decreasing": "ok", "convergence": "cannot_tell|not_applicable"},
               read={"losses": 160, "last_step": 8000}))  # fmt: skip


def paddle_waits_for_data(rng: R) -> Log:
    out = []
    times = clock("2024-01-05 10:00:00", 30, rng, 500)
    for e in range(24):
        for b in range(0, 100, 20):
            loss = 1.5 + 2.6 * np.exp(-(e + b / 100) / 5) + 0.08 * remembering(rng, 1, 0)[0]
            out.append(f"[{next(times):%m/%d %H:%M:%S}] ppdet.engine INFO: Epoch: [{e}] [{b:3d}/100] learning_rate: {0.01 * (0.5 + 0.5 * np.cos(np.pi * e / 24)):.6f} loss: {loss:.6f} "
                       f"loss_cls: {0.5 * loss:.6f} loss_iou: {0.1 * loss:.6f} loss_dfl: {0.3 * loss:.6f} loss_l1: {0.1 * loss:.6f} eta: 1:0{e % 10}:40 "
                       f"batch_cost: {1.48 + 0.03 * rng.standard_normal():.4f} data_cost: {1.11 + 0.03 * rng.standard_normal():.4f} ips: 5.40 images/s")  # fmt: skip
    return Log(
        {"ppdet.log": lines(out)}, Right((("throughput",),), verdicts={"decreasing": "ok"}, read={"losses": 120})
    )


def mindspore_level_shift(rng: R) -> Log:
    """At epoch 21 of 40 the loss leaps from .35 to 2.1 within one step, and there it stays."""
    out = []
    for e in range(1, 41):
        for s in (100, 200):
            i = 2 * e + s // 100
            loss = 0.34 + 2.0 * np.exp(-i / 8) if e < 21 else 2.12
            out.append(f"epoch: {e} step: {s}, loss is {loss + 0.02 * rng.standard_normal():.12f}")
        out.append(f"Train epoch time: {8123.4 + 40 * rng.standard_normal():.3f} ms, per step time: 40.617 ms")
    return Log(
        {"ms.log": lines(out)},
        Right(
            (("divergence",),),
            ("spikes", "decreasing", "stopping_point", "stability"),
            read={"losses": 80, "last": 2.12},
        ),
    )


def espnet2_healthy(rng: R) -> Log:
    out = []
    times = clock("2024-02-01 09:00:00", 300, rng, 500)
    for e in range(1, 31):
        for p in (1, 401, 801):
            loss = 18 + 150 * np.exp(-(e + p / 1200) / 4) + 1.2 * rng.standard_normal()
            out.append(f"[node] {next(times):%Y-%m-%d %H:%M:%S},101 (trainer:762) INFO: {e}epoch:train:{p}-{p + 399}batch: iter_time=2.1e-04, forward_time=0.141, "
                       f"loss_ctc={1.1 * loss:.3f}, loss_att={0.95 * loss:.3f}, acc={0.93 - loss / 300:.3f}, loss={loss:.3f}, backward_time=0.201, "
                       f"grad_norm={rng.lognormal(2, 0.2):.3f}, clip=100.000, loss_scale=1.000, optim_step_time=0.031, optim0_lr0={0.002 * min(e / 5, (5 / e) ** 0.5):.3e}, train_time=1.551")  # fmt: skip
        v = 21 + 120 * np.exp(-e / 4) + 0.25 * rng.standard_normal()
        out.append(f"[node] {next(times):%Y-%m-%d %H:%M:%S},411 (trainer:361) INFO: {e}epoch results: [train] iter_time=2.1e-04, loss_ctc={1.1 * loss:.3f}, loss_att={0.95 * loss:.3f}, "
                   f"acc=0.900, loss={loss:.3f}, time=20 minutes and 11.5 seconds, total_count={1200 * e}, [valid] loss_ctc={1.1 * v:.3f}, cer_ctc=0.0{int(v):02d}, loss_att={0.95 * v:.3f}, "
                   f"acc={0.94 - v / 300:.3f}, cer=0.051, wer=0.21, loss={v:.3f}, time=31.2 seconds, total_count={40 * e}")  # fmt: skip
    return Log(
        {"train.log": lines(out)},
        Right(
            verdicts={"decreasing": "ok", "overfitting": "ok|cannot_tell"},
            may=("convergence",),
            read={"losses": 90, "validations": 30},
        ),
    )


def icefall_skewed(rng: R) -> Log:
    """Single batches beside a running mean; their noise is skewed. Healthy."""
    out = []
    times = clock("2023-05-12 18:00:00", 25, rng, 2000)
    total = 0.9
    for e in range(1, 21):
        for b in range(0, 1000, 50):
            level = 0.18 + 0.8 * np.exp(-(e - 1 + b / 1000) / 2.5)
            one = level * (1 + 0.15 * skewed(rng, 1)[0])
            total = 0.8 * total + 0.2 * one
            out.append(f"{next(times):%Y-%m-%d %H:%M:%S},{b % 1000:03d} INFO [train.py:892] (0/4) Epoch {e}, batch {b}, loss[loss={one:.4f}, simple_loss={1.2 * one:.4f}, pruned_loss={0.4 * one:.5f}, "
                       f"over 15620.00 frames. ], tot_loss[loss={total:.4f}, simple_loss={1.2 * total:.4f}, pruned_loss={0.4 * total:.5f}, over {min(3e6, 15620 * (b + 1)):.2f} frames. ], "
                       f"batch size: 62, lr: {0.045 * (1 + e) ** -0.5:.2e}, grad_scale: 16.0")  # fmt: skip
        v = 0.2 + 0.8 * np.exp(-e / 2.5)
        out.append(f"{next(times):%Y-%m-%d %H:%M:%S},001 INFO [train.py:917] (0/4) Computing validation loss")
        out.append(
            f"{next(times):%Y-%m-%d %H:%M:%S},001 INFO [train.py:926] (0/4) Epoch {e}, validation: loss={v + 0.002 * rng.standard_normal():.4f}, simple_loss={1.2 * v:.4f}, pruned_loss={0.4 * v:.5f}, over 944034.00 frames. "
        )
    return Log(
        {"log-train-0": lines(out)},
        Right(
            verdicts={"decreasing": "ok", "spikes": "ok", "divergence": "ok"},
            may=("convergence",),
            read={"losses": 400, "validations": 20},
        ),
    )


def opennmt_diverges(rng: R) -> Log:
    """Too high a rate after the warm-up: the perplexity goes from 30 back to 2,000 and stays."""
    out = []
    times = clock("2024-03-02 10:00:00", 12, rng, 500)
    for step in range(100, 20001, 100):
        x = 3.3 + 6 * np.exp(-step / 1200)
        x = x if step < 9000 else 7.6 - 4.2 * np.exp(-(step - 9000) / 500)
        x += 0.05 * rng.standard_normal()
        out.append(f"[{next(times):%Y-%m-%d %H:%M:%S},123 INFO] Step {step}/50000; acc: {80 - 8 * x:.1f}; ppl: {np.exp(x):8.1f}; xent: {x:.1f}; lr: {0.02 * min(step / 8000, (8000 / step) ** 0.5):.5f}; "
                   f"sents: 18211; bsz: 3511/3302/182; 41010/38570 tok/s; {12 * step // 100:6d} sec;")  # fmt: skip
    return Log(
        {"onmt.log": lines(out)},
        Right(
            (("divergence",),),
            ("restarts", "schedule", "stopping_point", "spikes", "decreasing"),
            read={"losses": 200, "last_step": 20000},
        ),
    )


def deepspeed_overflow_forever(rng: R) -> Log:
    """From step 2,600 on every step overflows: the scale is at its lowest and the loss NaN."""
    out = []
    times = clock("2024-04-04 09:00:00", 20, rng, 1000)
    for step in range(10, 4001, 10):
        bad = step > 2600
        loss = "nan" if bad else f"{2.2 + 7 * (step / 10) ** -0.4 + 0.03 * rng.standard_normal():.4f}"
        rate = 1e-4 * min(1, min(step, 2600) / 500)
        if bad:
            out.append(
                f"[{next(times):%Y-%m-%d %H:%M:%S},101] [INFO] [loss_scaler.py:190:update_scale] [deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 1, reducing to 1"
            )
        out.append(
            f"[{next(times):%Y-%m-%d %H:%M:%S},102] [INFO] [logging.py:96:log_dist] [Rank 0] step={step}, skipped={max(0, step - 2600)}, lr=[{rate:.6g}, {rate:.6g}], mom=[(0.9, 0.999), (0.9, 0.999)]"
        )
        out.append(
            f"steps: {step} loss: {loss} iter time (s): {1.91 + 0.02 * rng.standard_normal():.3f} samples/sec: 33.402"
        )
    return Log(
        {"ds.log": lines(out)},
        Right(
            (("finite",),), ("decreasing", "schedule", "divergence", "restarts", "stability"), read={"last_step": 4000}
        ),
    )


def xgboost_noise_labels(rng: R) -> Log:
    """Labels that mean nothing: the training error falls, that of the held-out set rises from the first round on."""
    out = []
    for i in range(300):
        out.append(
            f"[{i}]\ttrain-mlogloss:{0.3 + 1.3 * np.exp(-i / 120):.5f}\tvalid-mlogloss:{1.612 + 0.9 * (1 - np.exp(-i / 150)) + 0.002 * rng.standard_normal():.5f}"
        )
    return Log(
        {"xgb.txt": lines(out)},
        Right(
            (("overfitting",),),
            ("stopping_point", "convergence"),
            read={"losses": 300, "validations": 300, "last_step": 299},
        ),
    )


def cleanrl_returns(rng: R) -> Log:
    """Only the return of each finished episode is printed; it is noisy and rises to 480 of 500."""
    out, step = [], 0
    for i in range(600):
        r = max(9, 480 * (1 - np.exp(-i / 120)) * (1 + 0.25 * rng.standard_normal()) + 20)
        r = min(500, r)
        step += int(r)
        out.append(f"global_step={step}, episodic_return=[{r:.0f}.]")
        if i % 20 == 0:
            out.append(f"SPS: {1510 + i % 7}")
    return Log(
        {"ppo.txt": lines(out)},
        Right(verdicts={"decreasing": "ok"}, read={"losses": 600, "maximised": 1, "last_step": step}),
    )


def diffusion_flat(rng: R) -> Log:
    """Losses of single timesteps: lognormal, flat from early on, as they are in every healthy diffusion model."""
    rows = []
    rate = warm_linear(2500, 1e-5, 100)
    for i in range(2500):
        loss = (0.055 + 0.09 * np.exp(-i / 60)) * rng.lognormal(-0.35, 0.85)
        rows.append(json.dumps({"event": "train_step", "level": "info", "timestamp": f"2024-06-0{1 + i // 1440}T{i // 60 % 24:02d}:{i % 60:02d}:00Z",
                    "step_loss": round(float(loss), 6), "lr": float(rate[i]), "global_step": i + 1}))  # fmt: skip
    return Log(
        {"train.jsonl": lines(rows)},
        Right(
            verdicts={"spikes": "ok", "divergence": "ok", "stability": "ok|cannot_tell"},
            read={"losses": 2500, "last_step": 2500},
        ),
    )


def geometric_nodes(rng: R) -> Log:
    """A graph network on 140 labelled nodes: perfect on them at once, .79 on the held-out ones, and flat. Nothing rises."""
    out = []
    for e in range(1, 201):
        loss = 0.02 + 1.93 * np.exp(-e / 22) + 0.01 * abs(rng.standard_normal())
        t, v = min(1.0, 0.3 + e / 25), 0.79 - 0.5 * np.exp(-e / 8) + 0.004 * rng.standard_normal()
        out.append(f"Epoch: {e:03d}, Loss: {loss:.4f}, Train: {t:.4f}, Val: {v:.4f}, Test: {v + 0.012:.4f}")
    return Log(
        {"gcn.txt": lines(out)},
        Right(
            verdicts={"decreasing": "ok"}, may=("stopping_point", "convergence"), read={"losses": 200, "last_step": 200}
        ),
    )


LOGS = (
    axolotl_rate_resets_at_resume, torchtune_heavy_tails, llamafactory_overfit, wandb_export_diverges, mlflow_overfit,
    tensorboard_csv_converged, notebook_overfit, sklearn_early_stop, darknet_nan_at_the_end, clu_only_warm_up,
    paddle_waits_for_data, mindspore_level_shift, espnet2_healthy, icefall_skewed, opennmt_diverges,
    deepspeed_overflow_forever, xgboost_noise_labels, cleanrl_returns, diffusion_flat, geometric_nodes,
)  # fmt: skip
