"""Twenty more logs in pasted shapes, written with round F and looked at once, after its kinds had been mended."""

# ruff: noqa: E501 - the lines of logs are as long as they are

import json
from datetime import timedelta

import numpy as np
from invented_runs.shapes import Log, Right, clock, heavy, lines, power, remembering, skewed, warm_cosine, warm_linear

R = np.random.Generator


def evaluation_takes_most_of_the_time(rng: R) -> Log:
    """Every 50 steps an evaluation of 610 s, while the 50 steps take 150 s: four fifths of the run are evaluation."""
    text, rates = "***** Running training *****\n  Num examples = 32,000\n", warm_linear(1000, 2e-5, 50)
    for i in range(1, 101):
        s = 10 * i
        loss = 0.8 + 1.1 * np.exp(-i / 20) + 0.03 * rng.standard_normal()
        text += f"\r{s // 10:3d}%|{'█' * (s // 100):10s}| {s}/1000 [{timedelta(seconds=3 * s + 610 * (s // 50))}<{timedelta(seconds=3 * (1000 - s))},  3.01s/it]"
        text += f"\n{{'loss': {loss:.4f}, 'grad_norm': {rng.lognormal(0.3, 0.2):.4f}, 'learning_rate': {rates[s - 1]:.6g}, 'epoch': {s / 1000:.2f}}}\n"
        if s % 50 == 0:
            text += f"{{'eval_loss': {0.84 + 1.0 * np.exp(-i / 20) + 0.004 * rng.standard_normal():.4f}, 'eval_runtime': {610 + 4 * rng.standard_normal():.4f}, 'eval_samples_per_second': 6.561, 'eval_steps_per_second': 0.82, 'epoch': {s / 1000:.2f}}}\n"
    text += "{'train_runtime': 15214.3391, 'train_samples_per_second': 2.103, 'train_steps_per_second': 0.066, 'train_loss': 0.9912, 'epoch': 1.0}\n"
    return Log({"run.log": text}, Right((("throughput",),), ("throughput", "convergence"), {"decreasing": "ok", "overfitting": "ok|cannot_tell", "schedule": "ok"}, {"losses": 100, "validations": 20, "last_step": 1000}))  # fmt: skip


def dark_images_nan(rng: R) -> Log:
    """`333 154 Loss=nan Time=0.040`: epoch and batch without names; nan from epoch 24 of 30 on."""
    out = []
    for e in range(30):
        for b in range(1, 21):
            loss = "nan" if e >= 24 else f"{0.05 + 0.2 * np.exp(-e / 6) + 0.01 * rng.standard_normal():.3f}"
            out.append(f"{e} {b} Loss={loss} Time={0.04 + 0.004 * rng.random():.3f}")
    return Log({"sid.txt": lines(out)}, Right((("finite",),), ("finite", "divergence", "decreasing", "stopping_point"), {"convergence": "cannot_tell|not_applicable"}, {}))  # fmt: skip


def faces_healthy(rng: R) -> Log:
    """`Speed 1203.22 samples/sec   Loss 12.3451   LearningRate 0.0912   Epoch: 3   Global Step: 12040`: rate falls to 0. Healthy."""
    out, times = [], clock("2022-03-01 10:00:00", 20, rng, 900)
    for i in range(1, 801):
        loss = 5.2 + 28 * (1 + i / 4) ** -0.8 - 1.4 * i / 800 + 0.09 * rng.standard_normal()
        out.append(
            f"Training: {next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)}-Speed {2410 + 40 * rng.standard_normal():.2f} samples/sec   Loss {loss:.4f}   LearningRate {0.1 * (1 - i / 800) ** 2:.6f}   Epoch: {i // 40}   Global Step: {100 * i}   Fp16 Grad Scale: {65536 if i % 97 else 32768}   Required: {max(0, 5 - i // 160)} hours"
        )
        if i % 80 == 0:
            out += [
                f"Training: {next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)}-[lfw][{100 * i}]XNorm: {21 + rng.random():.6f}",
                f"Training: {next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)}-[lfw][{100 * i}]Accuracy-Flip: {0.997 - 0.02 * np.exp(-i / 100):.5f}+-0.00{rng.integers(200, 400)}",
            ]
    return Log({"training.log": lines(out)}, Right(may=("convergence",), verdicts={"decreasing": "ok", "divergence": "ok", "schedule": "ok", "throughput": "ok|cannot_tell|not_applicable"}, read={"losses": 800, "last_step": 80000}))  # fmt: skip


def bound_overfits(rng: R) -> Log:
    """Evidence lower bounds, which are maximised: the training one rises to the end, the held-out one turns at 24,000."""
    out = []
    for i in range(1, 101):
        train = -84 - 70 * np.exp(-i / 12) + 0.06 * i + 0.25 * rng.standard_normal()
        held = -91 - 66 * np.exp(-i / 10) - 0.07 * max(0, i - 30) + 0.25 * rng.standard_normal()
        out.append(
            f"iter {800 * i:6d} | train elbo {train:.3f} | valid elbo {held:.3f} | beta 1.00 | {2.1 + 0.1 * rng.random():.2f} s"
        )
    return Log({"bound.log": lines(out)}, Right((("overfitting", "stopping_point"),), ("overfitting", "stopping_point", "convergence"), {"decreasing": "ok", "divergence": "ok"}, {"maximised": 1, "last_step": 80000}))  # fmt: skip


def report_table_redrawn(rng: R) -> Log:
    """Chainer's table under one heading, with escape sequences that clear its bar; both losses flatten. Healthy."""
    text = "GPU: 0\n# Minibatch-size: 100\n\nepoch       iteration   main/loss   validation/main/loss  main/accuracy  validation/main/accuracy  elapsed_time\n"
    for e in range(1, 41):
        x = np.exp(-e / 4)
        text += f"\033[J     total [{'#' * e:.<50s}] {100 * e / 40:.2f}%\n\033[A\033[J"
        text += f"{e:<10d}  {600 * e:<10d}  {0.24 + 0.5 * x + 0.002 * rng.standard_normal():<10.6g}  {0.27 + 0.45 * x + 0.004 * rng.standard_normal():<20.6g}  {0.93 - 0.2 * x:<13.6g}  {0.92 - 0.2 * x:<24.6g}  {6.1 * e + rng.random():<12.6g}\n"
    return Log({"chainer.out": text}, Right(may=("stopping_point",), verdicts={"decreasing": "ok", "overfitting": "ok|cannot_tell", "divergence": "ok", "convergence": "ok|cannot_tell"}, read={"losses": 40, "validations": 40, "last_step": 24000}))  # fmt: skip


def detector_dictionaries_of_lines(rng: R) -> Log:
    """A dictionary over five lines after each `Step N per-step time`; two lonely spikes that do no harm."""
    out, rates = [], warm_cosine(250, 0.04, 20)
    for i in range(1, 251):
        total = 0.42 + 1.1 * np.exp(-i / 30) + 0.03 * rng.standard_normal() + (1.9 if i in (120, 181) else 0)
        out += [
            f"INFO:tensorflow:Step {100 * i} per-step time {0.412 + 0.01 * rng.standard_normal():.3f}s",
            f"I0612 14:{(i // 2) % 60:02d}:{30 * (i % 2):02d}.123456 139641 model_lib_v2.py:705] Step {100 * i} per-step time 0.412s",
            f"INFO:tensorflow:{{'Loss/classification_loss': {0.4 * total:.7f},",
            f" 'Loss/localization_loss': {0.35 * total:.7f},",
            f" 'Loss/regularization_loss': {0.25 * total:.7f},",
            f" 'Loss/total_loss': {total:.7f},",
            f" 'learning_rate': {rates[i - 1]:.7f}}}",
        ]
    return Log({"od.log": lines(out)}, Right(may=("convergence",), verdicts={"decreasing": "ok", "divergence": "ok", "spikes": "ok", "schedule": "ok"}, read={"losses": 250, "last_step": 25000}))  # fmt: skip


def walker_learns(rng: R) -> Log:
    """`Step: 50000. Time Elapsed: 98.412 s. Mean Reward: 12.3. Std of Reward: 4.1. Training.`: noisy, rising, then level."""
    out = ["[INFO] Connected to Unity environment with package version 2.0.1 and communication version 1.5.0"]
    for i in range(1, 201):
        reward = 310 / (1 + np.exp(-(i - 60) / 14)) + 14 * heavy(rng, 1)[0]
        out.append(
            f"[INFO] Walker. Step: {50000 * i}. Time Elapsed: {98.2 * i + rng.random():.3f} s. Mean Reward: {reward:.3f}. Std of Reward: {30 + 20 * rng.random():.3f}. Training."
        )
        if i % 50 == 0:
            out.append(f"[INFO] Exported results/walker/Walker/Walker-{50000 * i}.onnx")
    return Log({"agents.log": lines(out)}, Right(may=("convergence", "stopping_point"), verdicts={"decreasing": "ok", "divergence": "ok"}, read={"losses": 200, "last_step": 10000000, "maximised": 1}))  # fmt: skip


def policy_without_entropy(rng: R) -> Log:
    """Records with paths for names: the return stays at the level of chance, and the entropy is nearly 0 after a tenth of the run."""
    out, noise = [], remembering(rng, 300, 0.6)
    for i in range(300):
        record = {
            "global_step": 2048 * (i + 1),
            "charts/learning_rate": 0.003 * (1 - i / 300),
            "charts/episodic_return": float(-120 + 9 * noise[i]),
            "losses/value_loss": float(rng.lognormal(1.0, 0.3)),
            "losses/policy_loss": float(0.01 * rng.standard_normal()),
            "losses/entropy": float(1.386 * np.exp(-i / 9) + 0.0002 * rng.random()),
            "losses/approx_kl": float(0.0001 * rng.random()),
            "charts/SPS": 2100 + int(rng.integers(-50, 50)),
        }
        out.append(json.dumps(record))
    return Log({"ppo.jsonl": lines(out)}, Right((("decreasing", "stability", "divergence"),), ("decreasing", "stability", "stopping_point", "convergence", "divergence"), {"finite": "ok"}, {"maximised": 1, "last_step": 614400}))  # fmt: skip


def trees_console_overfit(rng: R) -> Log:
    """`0: learn: 0.65 test: 0.65 best: 0.65 (0) total: 61ms remaining: 1m 1s`: the test loss turns at tree 180 of 1,000."""
    out, best, at = [], 9.0, 0
    for i in range(1000):
        test = 0.412 + 0.24 * np.exp(-i / 45) + 0.00009 * max(0, i - 180) + 0.0004 * rng.standard_normal()
        if test < best:
            best, at = test, i
        if i % 10 == 0 or i == 999:
            out.append(
                f"{i}:\tlearn: {0.12 + 0.53 * np.exp(-i / 260):.7f}\ttest: {test:.7f}\tbest: {best:.7f} ({at})\ttotal: {0.061 * (i + 1):.3g}s\tremaining: {0.061 * (999 - i):.3g}s"
            )
    out += ["", f"bestTest = {best:.9f}", f"bestIteration = {at}", "", f"Shrink model to first {at + 1} iterations."]
    return Log({"cat.log": lines(out)}, Right((("overfitting", "stopping_point"),), ("overfitting", "stopping_point", "convergence"), {"decreasing": "ok"}, {"losses": 101, "validations": 101, "last_step": 999}))  # fmt: skip


def errors_fall_while_loss_rises(rng: R) -> Log:
    """A table of 30 epochs: valid_loss rises after epoch 9, but the error rate falls to the end. Stopping earlier would cost accuracy."""
    out = ["epoch     train_loss  valid_loss  error_rate  time    "]
    out.extend(
        f"{e:<8d}  {0.04 + 1.4 * np.exp(-e / 6) + 0.004 * rng.standard_normal():.6f}    {0.44 + 0.5 * np.exp(-e / 3) + 0.008 * max(0, e - 9) + 0.004 * rng.standard_normal():.6f}    {0.11 + 0.2 * np.exp(-e / 11) + 0.002 * rng.standard_normal():.6f}    00:{rng.integers(20, 24)}  "
        for e in range(30)
    )
    return Log({"learn.txt": lines(out)}, Right(may=("overfitting", "convergence"), verdicts={"decreasing": "ok", "stopping_point": "ok|cannot_tell", "divergence": "ok|cannot_tell"}, read={"losses": 30, "validations": 30, "last_step": 29}))  # fmt: skip


def korean_notebook_too_short(rng: R) -> Log:
    """A notebook in Korean: 20 epochs at a constant rate, both losses still fall by 4 % an epoch. Under-trained."""
    said = []
    for e in range(1, 21):
        train, held = 2.1 * np.exp(-e / 24), 2.16 * np.exp(-e / 24.5)
        said.append(
            f"에폭 {e}/20 - 학습 손실: {train * (1 + 0.004 * rng.standard_normal()):.4f}, 검증 손실: {held * (1 + 0.004 * rng.standard_normal()):.4f}, 정확도: {100 - 38 * held:.1f}%\n"
        )
    cell = {
        "cell_type": "code",
        "execution_count": 7,
        "metadata": {},
        "source": ["train(model, 20)"],
        "outputs": [
            {
                "name": "stderr",
                "output_type": "stream",
                "text": [
                    "\r  0%|          | 0/20 [00:00<?, ?it/s]",
                    "\r100%|██████████| 20/20 [03:11<00:00,  9.55s/it]",
                ],
            },
            {"name": "stdout", "output_type": "stream", "text": said},
        ],
    }
    book = {"cells": [cell], "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    return Log({"학습.ipynb": json.dumps(book, ensure_ascii=False)}, Right((("convergence", "stopping_point"),), ("convergence", "stopping_point"), {"decreasing": "ok", "overfitting": "ok|cannot_tell"}, {"losses": 20, "validations": 20, "last_step": 20}))  # fmt: skip


def scalar_triples(rng: R) -> Log:
    """A board's download of one scalar: a list of time, step and value, without any name. Healthy and flat at its end."""
    triples = [
        [1714000000 + 3.1 * i, 50 * i, float(0.61 + 2.2 * np.exp(-i / 60) + 0.015 * skewed(rng, 1)[0])]
        for i in range(500)
    ]
    return Log({"run-train-tag-loss.json": json.dumps(triples)}, Right(verdicts={"decreasing": "ok", "convergence": "ok", "divergence": "ok", "spikes": "ok"}, read={"losses": 500, "last_step": 24950, "last": 0.61}))  # fmt: skip


def restarts_with_colours(rng: R) -> Log:
    """A cosine with three warm restarts of 60 epochs, in colours; at each the loss leaps up and comes back lower. Healthy."""
    out, times = [], clock("2024-08-11 22:00:00", 31, rng, 200)
    for e in range(180):
        phase = (e % 60) / 60
        rate = 0.05 * (1 + np.cos(np.pi * phase)) + 1e-4
        loss = 0.21 - 0.03 * (e // 60) + 1.8 * np.exp(-e / 9) + 3.4 * rate + 0.006 * rng.standard_normal()
        held = 0.29 - 0.025 * (e // 60) + 1.7 * np.exp(-e / 9) + 3.2 * rate + 0.008 * rng.standard_normal()
        out.append(
            f"\x1b[32m{next(times):%Y-%m-%d %H:%M:%S.%f}\x1b[0m | \x1b[1mINFO    \x1b[0m | \x1b[36m__main__\x1b[0m:\x1b[36mfit\x1b[0m:\x1b[36m88\x1b[0m - \x1b[1mEpoch {e + 1}/180 lr={rate:.5f} train_loss={loss:.4f} val_loss={held:.4f}\x1b[0m"
        )
    return Log({"sgdr.log": lines(out)}, Right(may=("restarts",), verdicts={"decreasing": "ok", "divergence": "ok", "schedule": "ok", "overfitting": "ok|cannot_tell", "spikes": "ok|not_applicable|cannot_tell"}, read={"losses": 180, "validations": 180, "last_step": 180}))  # fmt: skip


def three_tasks_one_rises(rng: R) -> Log:
    """Three tasks and their total; the depth's loss rises a little while the total falls and levels off. Judged by the total."""
    out = []
    for i in range(400):
        x = np.exp(-i / 50)
        seg, normal, depth = 0.5 + 2.2 * x, 0.3 + 0.9 * x, 0.22 + 0.1 * (1 - x)
        noise = 0.01 * rng.standard_normal(3)
        parts = np.array([seg, depth, normal]) + noise
        out.append(
            f"step {25 * (i + 1)}: loss_seg={parts[0]:.4f}, loss_depth={parts[1]:.4f}, loss_normal={parts[2]:.4f}, w_seg=1.00, w_depth=0.50, w_normal=0.50, total={parts[0] + 0.5 * parts[1] + 0.5 * parts[2]:.4f}, mIoU={100 * (0.61 - 0.5 * x):.2f}"
        )
    return Log({"tasks.txt": lines(out)}, Right(verdicts={"decreasing": "ok", "convergence": "ok", "divergence": "ok", "overfitting": "not_applicable|cannot_tell|ok"}, read={"losses": 400, "last_step": 10000, "first": 3.27, "last": 0.81}))  # fmt: skip


def no_input_requires_a_gradient(rng: R) -> Log:
    """The base is frozen and checkpointing cut the rest off: the gradient norm is 0 and the loss wanders around 4.2."""
    out = [
        "/opt/conda/lib/python3.10/site-packages/torch/utils/checkpoint.py:61: UserWarning: None of the inputs have requires_grad=True. Gradients will be None",
        "  warnings.warn(",
    ]
    out.extend(
        f"[{i // 60:02d}:{i % 60:02d}] step: {i} | loss: {4.214 + 0.05 * rng.standard_normal():.4f} | grad_norm: 0.0000 | lr: 1.000e-04 | mem: 11.2G | {0.98 + 0.02 * rng.random():.2f} s/it"
        for i in range(1, 251)
    )
    return Log({"adapter.log": lines(out)}, Right((("decreasing",),), ("decreasing", "stability", "stopping_point"), {"convergence": "cannot_tell|not_applicable", "divergence": "ok|not_applicable"}, {"losses": 250, "last_step": 250}))  # fmt: skip


def field_stays_empty(rng: R) -> Log:
    """`[TRAIN] Iter: 100 Loss: 0.21  PSNR: 9.9`: the scene stays empty, the loss flat from the first hundred on, for 200,000."""
    text = ""
    for i in range(1, 401):
        loss = 0.1052 * float(np.exp(0.09 * rng.standard_normal()))
        text += (
            f"\r  {i // 4}%|{'▏' * (i // 100):10s}| {500 * i}/200000 [{timedelta(seconds=12 * i)}<1:02:11, 41.20it/s]"
        )
        text += f"[TRAIN] Iter: {500 * i} Loss: {2 * loss}  PSNR: {-10 * np.log10(loss)}\n"
    return Log({"nerf.txt": text}, Right((("decreasing",),), ("decreasing", "stopping_point"), {"divergence": "ok", "convergence": "cannot_tell|not_applicable|ok"}, {"losses": 400, "last_step": 200000}))  # fmt: skip


def pretraining_steps_up(rng: R) -> Log:
    """Colours around each name; at step 5,200 of 8,000 the loss leaps from 2.9 to 3.8 and never comes back."""
    out, base, times = [], power(800, 11.2, 2.4, 0.45), clock("2025-02-03 01:00:00", 22, rng, 900)
    for i in range(800):
        loss = base[i] + (0.9 if i >= 520 else 0) + 0.025 * rng.standard_normal()
        out.append(
            f"[titan] {next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)} - root - INFO - \x1b[31mstep: {10 * (i + 1):2d}  \x1b[32mloss: {loss:7.4f}  \x1b[38;2;180;60;0mgrad_norm: {rng.lognormal(-0.6, 0.2):7.4f}  \x1b[38;2;54;234;195mmemory: 48.91GiB(61.82%)  \x1b[34mtps: {7210 + 30 * rng.standard_normal():,.0f}  \x1b[36mtflops: 299.10  \x1b[35mmfu: 30.24%\x1b[39m"
        )
    return Log({"titan.log": lines(out)}, Right((("divergence",),), ("divergence", "decreasing", "spikes", "stopping_point", "stability"), {"convergence": "cannot_tell|not_applicable"}, {"losses": 800, "last_step": 8000}))  # fmt: skip


def resumed_and_level(rng: R) -> Log:
    """The paste begins in the middle of a line at iteration 23,040 of a resumed run; both losses have long been level."""
    out = ["9, time 341.22ms, mfu 31.02%"]
    for i in range(23050, 29001, 10):
        out.append(
            f"iter {i}: loss {2.913 + 0.03 * rng.standard_normal():.4f}, time {340 + 3 * rng.standard_normal():.2f}ms, mfu {31 + 0.05 * rng.random():.2f}%"
        )
        if i % 500 == 0:
            out.append(
                f"step {i}: train loss {2.912 + 0.004 * rng.standard_normal():.4f}, val loss {2.951 + 0.004 * rng.standard_normal():.4f}"
            )
    return Log({"tail.txt": lines(out)}, Right(may=("decreasing", "stopping_point"), verdicts={"divergence": "ok", "overfitting": "ok|cannot_tell", "convergence": "ok|cannot_tell", "spikes": "ok"}, read={"validations": 12, "last_step": 29000}))  # fmt: skip


def german_console_stopped(rng: R) -> Log:
    """A console in German with decimal commas; it stops by itself 6 epochs after the best one. Healthy."""

    def comma(x: float) -> str:
        return f"{x:.4f}".replace(".", ",")

    out, best = ["Starte Training auf Gerät cuda:0 (Lernrate 0,001)"], 9.0
    for e in range(1, 33):
        held = 0.402 + 0.7 * np.exp(-e / 6) + 0.003 * rng.standard_normal()
        best = min(best, held)
        out.append(
            f"Epoche {e:2d}: Trainingsverlust {comma(0.36 + 0.8 * np.exp(-e / 7) + 0.003 * rng.standard_normal())} - Validierungsverlust {comma(held)} (bester: {comma(best)}) - Dauer {18 + rng.random():.1f} s".replace(
                ".", ","
            )
        )
    out.append("Keine Verbesserung seit 6 Epochen, Training wird vorzeitig beendet.")
    return Log({"protokoll.txt": lines(out)}, Right(may=("stopping_point",), verdicts={"decreasing": "ok", "overfitting": "ok|cannot_tell", "divergence": "ok|cannot_tell", "convergence": "ok|cannot_tell"}, read={"losses": 32, "validations": 32, "last_step": 32, "first": 1.05, "last": 0.37}))  # fmt: skip


def rate_far_too_small(rng: R) -> Log:
    """A CSV with training and validation on rows of their own: at a rate of 1e-7 the loss creeps from 6.91 to 6.78, straight, for 40 epochs."""
    out = ["epoch,step,train/loss,val/loss,val/acc,lr"]
    for e in range(40):
        for b in (50, 100):
            s = 100 * e + b
            out.append(f"{e},{s - 1},{6.91 - 0.13 * s / 4000 + 0.004 * rng.standard_normal():.6f},,,1e-07")
        out.append(
            f"{e},{100 * e + 99},,{6.909 - 0.128 * (e + 1) / 40 + 0.001 * rng.standard_normal():.6f},{0.001 + 0.00002 * e:.5f},"
        )
    return Log({"metrics.csv": lines(out)}, Right((("convergence", "decreasing"),), ("convergence", "decreasing", "stopping_point"), {"divergence": "ok", "overfitting": "ok|cannot_tell"}, {"losses": 80, "validations": 40, "last_step": 3999}))  # fmt: skip


LOGS = (
    evaluation_takes_most_of_the_time, dark_images_nan, faces_healthy, bound_overfits, report_table_redrawn, detector_dictionaries_of_lines,
    walker_learns, policy_without_entropy, trees_console_overfit, errors_fall_while_loss_rises, korean_notebook_too_short, scalar_triples,
    restarts_with_colours, three_tasks_one_rises, no_input_requires_a_gradient, field_stays_empty, pretraining_steps_up, resumed_and_level,
    german_console_stopped, rate_far_too_small,
)  # fmt: skip
