"""Sixteen logs after threads in which someone asked what is wrong and an expert answered; the numbers are ours."""

# ruff: noqa: E501 - the lines of logs are as long as they are

import json
from datetime import timedelta

import numpy as np
from invented_runs.shapes import Log, Right, clock, lines, power, remembering, skewed, warm_cosine

R = np.random.Generator


def the_same_losses_each_epoch(rng: R) -> Log:
    """The adapter was never in the optimizer: each batch has exactly the loss that it had in the epoch before."""
    losses, text = (
        0.9 + 0.5 * rng.random(8),
        "***** Running training *****\n\r  0%|          | 0/144 [00:00<?, ?it/s]Beginning of Epoch 1/18, Total Micro Batches 8\n",
    )
    for i in range(144):
        text += f"\rEpoch {i // 8 + 1}, Step {i % 8}, Loss: {losses[i % 8]:.4f}: {100 * (i + 1) // 144:3d}%|{'█' * (i // 15):10s}| {i + 1}/144 [{i // 60:02d}:{i % 60:02d}<02:{(144 - i) % 60:02d},  1.0{rng.integers(1, 9)}s/it]"
        if i % 8 == 7 and i < 143:
            text += f"Beginning of Epoch {i // 8 + 2}/18, Total Micro Batches 8\n"
    return Log({"sft.log": text + "\n"}, Right((("decreasing",),), ("decreasing", "stability", "stopping_point"), {"convergence": "cannot_tell|not_applicable|ok"}, {"losses": 144}))  # fmt: skip


def megatron_leaves_the_loss_out(rng: R) -> Log:
    """From iteration 3,385 on the lines hold no loss any more, and the gradient norm is nan: so a loss of nan is printed."""
    out, rates = [], warm_cosine(160, 2e-5, 8, 2e-6, 200)
    for i in range(160):
        s, bad = 25 * (i + 1), i >= 135
        loss = 0.71 + 0.9 * np.exp(-i / 30) + 0.02 * rng.standard_normal()
        said = "" if bad else f" lm loss: {loss:.6E} |"
        out.append(
            f" iteration {s:8d}/    5000 | consumed samples: {64 * s:12d} | elapsed time per iteration (ms): {7600 + 90 * rng.standard_normal():.1f} | learning rate: {rates[i]:.3E} | global batch size:    64 |{said} loss scale: 1.0 | grad norm: {'nan' if bad else f'{rng.lognormal(-0.3, 0.1):.3f}'} | number of skipped iterations:   0 | number of nan iterations:   0 |"
        )
    return Log({"falcon.log": lines(out)}, Right((("finite",),), ("finite", "divergence", "decreasing"), {"convergence": "cannot_tell|not_applicable"}, {"last_step": 4000}))  # fmt: skip


def loss_is_infinity_once(rng: R) -> Log:
    """`Loss is Infinity.` at one iteration of 400, and it goes on as before: to be named."""
    out, times = [], clock("2017-08-20 16:00:00", 4.4, rng, 500)
    for i in range(400):
        loss = "Infinity" if i == 301 else f"{1.25 + 0.8 * np.exp(-i / 90) + 0.05 * rng.standard_normal():.7f}"
        out.append(
            f"{next(times):%Y-%m-%d %H:%M:%S} INFO  DistriOptimizer$:295 - [Epoch {60 + i // 100} {1792 * (i % 100 + 1)}/179200][Iteration {45000 + i}][Wall Clock {197000 + 4.4 * i:.8f}s] Train 1792 in {4.4 + 0.1 * rng.random():.9f}seconds. Throughput is {400 + 5 * rng.random():.5f} records/second. Loss is {loss}. Current learning rate is {0.0463 - 1e-6 * i:.8f}. Current weight decay is 1.0E-4. Current momentum is 0.9."
        )
    return Log({"bigdl.log": lines(out)}, Right((("finite",),), ("finite", "convergence", "schedule"), {"decreasing": "ok"}, {"losses": 400, "last_step": 45399}))  # fmt: skip


def segmentation_climbs_after_ten_thousand(rng: R) -> Log:
    """`step N \\t loss = 0.428, (1.019 sec/step)`; from step 12,700 of 13,400 on the loss climbs from .45 to beyond 4."""
    out = []
    for i in range(1200):
        s = 12200 + i
        loss = 0.45 + (0.0055 * (i - 500) if i > 500 else 0)
        out.append(
            f"step {s} \t loss = {loss * rng.lognormal(0, 0.3):.3f}, ({1 + 0.02 * rng.standard_normal():.3f} sec/step)"
        )
        if s % 1000 == 999:
            out.append("The checkpoint has been created.")
    return Log({"lfov.log": lines(out)}, Right((("divergence", "decreasing"),), ("divergence", "decreasing", "stability", "spikes", "stopping_point"), {"convergence": "cannot_tell|not_applicable"}, {"losses": 1200, "last_step": 13399}))  # fmt: skip


def small_set_jumps(rng: R) -> Log:
    """Ten epochs, the held-out loss jumps between .1 and 3: too little and too noisy to call it overfitting."""
    held = [3.29, 0.92, 1.43, 1.85, 0.58, 2.30, 0.17, 1.52, 0.14, 2.81]
    out = [
        f"epoch [{e + 1}]: training loss: {2.3 * np.exp(-e / 4) + 0.05 * rng.random():.2f} - acc: {0.5 + 0.04 * e:.2f} - val_loss: {held[e] * rng.uniform(0.95, 1.05):.2f} - val_acc: {0.9 - 0.14 * held[e]:.2f}"
        for e in range(10)
    ]
    return Log({"cats.txt": lines(out)}, Right(may=("stopping_point",), verdicts={"overfitting": "cannot_tell|ok", "divergence": "ok|cannot_tell", "decreasing": "ok|cannot_tell"}, read={"losses": 10, "validations": 10, "last_step": 10}))  # fmt: skip


def one_tall_spike_recovers(rng: R) -> Log:
    """One batch has a loss of 4.27 among .7: a bad sample, and the run goes on as before."""
    out, rates = [], warm_cosine(10485, 2e-4, 300)
    for i in range(800):
        s = 2000 + i
        loss = 4.2653 if i == 566 else max(0.2, 0.72 + 0.13 * rng.standard_normal())
        out += [
            f"{{'loss': {loss:.4f}, 'learning_rate': {rates[s]}, 'epoch': {s / 10485:.2f}}}",
            "",
            f" {100 * s // 10485:2d}%|██▍       | {s}/10485 [3:{15 + i // 60:02d}:{i % 60:02d}<10:06:35,  4.59s/it]",
        ]
    return Log({"llava.log": lines(out)}, Right(may=("restarts", "schedule", "convergence", "decreasing"), verdicts={"spikes": "ok", "divergence": "ok", "stability": "ok"}, read={"losses": 800}))  # fmt: skip


def staircase_of_a_small_set(rng: R) -> Log:
    """Five epochs over a small set: flat within each, a drop of two fifths at the start of the next. It learns by heart."""
    history = [
        {
            "epoch": round((i + 1) / 19.5, 2),
            "learning_rate": 0.0002,
            "loss": round(
                float(
                    (0.95, 0.55, 0.31, 0.17, 0.09)[min(4, int((i + 0.5) // 19.5))] * (1 + 0.05 * rng.standard_normal())
                ),
                4,
            ),
            "step": 10 * (i + 1),
        }
        for i in range(97)
    ]
    return Log({"trainer_state.json": json.dumps({"best_metric": None, "epoch": 4.97, "global_step": 970, "log_history": history, "max_steps": 975, "num_train_epochs": 5}, indent=2)}, Right((("overfitting",),), ("overfitting", "stopping_point", "convergence"), {"decreasing": "ok", "divergence": "ok", "schedule": "ok|cannot_tell"}, {"losses": 97, "last_step": 970}))  # fmt: skip


def detector_breaks_in_its_eighth_epoch(rng: R) -> Log:
    """The objectness loss leaves 4 for 30 to 70 within epoch 8 and does not come back."""
    out, times = [], clock("2021-10-18 12:00:00", 13, rng, 2000)
    for i in range(8 * 60):
        e, b = i // 60, 10 * (i % 60 + 1)
        conf = (2.2 + 6 * np.exp(-i / 90)) * rng.lognormal(0, 0.1) if i < 440 else 45 * rng.lognormal(0, 0.35)
        iou = 3.1 + 1.5 * np.exp(-i / 100) + (1.4 if i >= 440 else 0)
        out.append(
            f"{next(times):%Y-%m-%d %H:%M:%S} | INFO     | yolox.core.trainer:246 - epoch: {e + 1}/40, iter: {b}/600, mem: 34235Mb, iter_time: {1.3 + 0.05 * rng.standard_normal():.3f}s, data_time: {0.05 + 0.02 * rng.random():.3f}s, total_loss: {iou + conf + 0.5:.1f}, iou_loss: {iou:.1f}, l1_loss: 0.0, conf_loss: {conf:.1f}, cls_loss: 0.5, lr: {0.01 * 0.5 * (1 + np.cos(np.pi * i / 2400)):.3e}, size: {32 * rng.integers(12, 20)}, ETA: {timedelta(seconds=13 * (2400 - i))}"
        )
    return Log({"train_log.txt": lines(out)}, Right((("divergence",),), ("divergence", "spikes", "stability", "decreasing", "stopping_point", "restarts"), {"convergence": "cannot_tell|not_applicable"}, {"losses": 480, "last_step": 4800}))  # fmt: skip


def jax_completed_steps(rng: R) -> Log:
    """`completed step: 9, seconds: 5.667, …, loss: 10.374`; healthy, after the compilation of the first step."""
    out, loss = [], power(300, 10.9, 3.1, 0.45)
    for i in range(300):
        seconds = 61.4 if i == 0 else 5.667 + 0.01 * rng.standard_normal()
        out.append(
            f"completed step: {i}, seconds: {seconds:.3f}, TFLOP/s/device: {764.67 / seconds:.3f}, Tokens/s/device: {49152 / seconds:.3f}, total_weights: 196608, loss: {loss[i] + 0.02 * rng.standard_normal():.3f}"
        )
        if i % 50 == 49:
            out.append(f"eval metrics after step: {i}, loss={loss[i] + 0.03:.3f}, total_weights=98304.0")
    return Log({"maxtext.log": lines(out)}, Right(may=("convergence", "stopping_point"), verdicts={"decreasing": "ok", "throughput": "ok", "divergence": "ok", "spikes": "ok"}, read={"losses": 300, "validations": 6, "last_step": 299}))  # fmt: skip


def prefixed_bars_of_means(rng: R) -> Log:
    """A service prefixes each redrawn bar; each step twice, first with the mean before it. Noisy and flat, as diffusion losses are."""
    out, mean = [], 0.09
    for i in range(1, 321):
        for shown in (mean, mean := 0.98 * mean + 0.02 * max(0.01, 0.088 + 0.04 * skewed(rng, 1)[0])):
            out.append(
                f"[08:{i // 12:02d}:{5 * i % 60:02d}] [STDERR] steps: {100 * i // 320:3d}%|{'█' * (i // 40):8s}| {i}/320 [{i // 3:02d}:{20 * i % 60:02d}<08:09, 21.29s/it, avr_loss={shown:.4f}]"
            )
    return Log({"musubi.txt": lines(out)}, Right(may=("decreasing",), verdicts={"divergence": "ok", "spikes": "ok|not_applicable", "finite": "ok", "overfitting": "not_applicable"}, read={"last_step": 320}))  # fmt: skip


def speech_columns_to_infinity(rng: R) -> Log:
    """Columns between bars; at epoch 80 of 90 the loss is inf and the token error rate 100: the run has diverged."""
    out = []
    for e in range(1, 91):
        x, bad = np.exp(-e / 25), e >= 80
        out.append(
            f"epoch: {e:8d} | lr: 0.100000 | lrcriterion: 0.006000 | runtime: 00:15:{rng.integers(10, 59)} | bch(ms): {120 + rng.random():.2f} | smp(ms): 0.8 | fwd(ms): 31.2 | crit-fwd(ms): 3.1 | bwd(ms): 71.2 | optim(ms): 11.3 | loss: {'inf' if bad else f'{8 + 40 * x + 0.3 * rng.standard_normal():.5f}':>10s} | train-TER: {100 if bad else 11 + 70 * x:.2f} | dev-clean-loss: {'inf' if bad else f'{11 + 41 * x + 0.3 * rng.standard_normal():.5f}':>9s} | dev-clean-TER: {100 if bad else 14 + 70 * x:.2f} | avg-isz: 1212 | avg-tsz: 211 | hrs: 100.12 | thrpt(sec/sec): 391.12"
        )
    return Log({"001_log": lines(out)}, Right((("finite",),), ("finite", "divergence", "decreasing", "overfitting", "stopping_point", "schedule"), {"convergence": "cannot_tell|not_applicable"}, {"last_step": 90}))  # fmt: skip


def only_means_that_never_fall(rng: R) -> Log:
    """Only the mean of the held-out loss is printed, with the best beside it: the first one, for 60 evaluations."""
    out = []
    for i in range(60):
        mean = 1.83 if i == 0 else 2.36 + 0.11 * rng.standard_normal()
        out.append(
            f"iter: {500 * i or 100}  mean_loss: {mean:.16f} best_mean_loss: {'inf' if i == 0 else '1.8309582471847534'}"
        )
    return Log({"lcnn.txt": lines(out)}, Right((("decreasing", "divergence"),), ("decreasing", "divergence", "stopping_point"), read={"last_step": 29500}))  # fmt: skip


def digits_validation_flat(rng: R) -> Log:
    """Fifty epochs of a small network; the held-out loss has stood at .072 from the first one on while the training loss creeps down."""
    out = []
    for e in range(1, 51):
        held = 0.0725 + 0.0009 * rng.standard_normal()
        out.append(
            f"Epoch: {e} \tTraining Loss: {0.139 + 0.036 * np.exp(-e / 12) + 0.005 * rng.standard_normal():.6f} \tValidation Loss: {held:.6f}"
        )
        if e == 1:
            out.append("Validation loss decreased (inf --> 0.072151).  Saving model ...")
    return Log({"mlp.txt": lines(out)}, Right(may=("stopping_point",), verdicts={"overfitting": "ok|cannot_tell", "divergence": "ok", "decreasing": "ok"}, read={"losses": 50, "validations": 50, "last_step": 50}))  # fmt: skip


def preference_rate_too_high(rng: R) -> Log:
    """The rate warms up to 1e-4: within 60 steps the losses jump between 0 and 8, and half of the pairs are told wrong."""
    out = []
    for i in range(160):
        wild = min(1.0, i / 60)
        loss = 0.69 * (1 - wild) + wild * float(rng.gamma(0.5, 4.0)) if rng.random() < 0.3 + 0.7 * wild else 0.69
        margin = wild * 4 * rng.standard_normal()
        out.append(
            f"{{'loss': {loss:.4f}, 'learning_rate': {1e-4 * min(1, (i + 1) / 40)}, 'rewards/chosen': {9 * wild:.6f}, 'rewards/rejected': {9 * wild - margin:.6f}, 'rewards/accuracies': {float(rng.choice((0.0, 0.5, 1.0)))}, 'rewards/margins': {margin:.6f}, 'logps/rejected': {-270 - 40 * wild * rng.random():.4f}, 'logps/chosen': {-335 - 40 * wild * rng.random():.4f}, 'logits/rejected': -2.7, 'logits/chosen': -2.5, 'epoch': {(i + 1) / 1500:.2f}}}"
        )
    return Log({"dpo.log": lines(out)}, Right((("decreasing", "divergence", "stability"),), ("decreasing", "divergence", "stability", "spikes", "stopping_point", "schedule"), {"convergence": "cannot_tell|not_applicable"}, {"losses": 160}))  # fmt: skip


def whisper_rate_too_high(rng: R) -> Log:
    """A rate of .003 for a fine-tuning: the loss rises at once, the evaluation is nan, then it is 0.0 to the end."""
    out = ["{'loss': 1.2395, 'learning_rate': 0.001488, 'epoch': 0.13}"]
    for i in range(1, 60):
        loss = 0.0 if i >= 8 else 1.85 - 0.05 * i + 0.03 * rng.standard_normal()
        out.append(f"{{'loss': {loss:.4f}, 'learning_rate': {0.003 * (1 - i / 740)!r}, 'epoch': {0.13 * (i + 1):.2f}}}")
        if i % 7 == 6:
            out.append(
                f"{{'eval_loss': nan, 'eval_wer': 100.0, 'eval_runtime': 22.4018, 'eval_samples_per_second': 2.232, 'eval_steps_per_second': 0.312, 'epoch': {(i + 1) / 7:.1f}}}"
            )
    return Log({"ft.log": lines(out)}, Right((("finite", "decreasing"),), ("finite", "decreasing", "divergence", "stopping_point", "schedule", "overfitting"), {"convergence": "cannot_tell|not_applicable"}, {"losses": 60}))  # fmt: skip


def recogniser_never_moves(rng: R) -> Log:
    """`iter: 2760, lr: 0.001, 'loss': 18201.2, 'acc': 0.0`: 250 lines, the loss wanders around 18,200 and no word is right."""
    times, wander = clock("2020-11-14 10:00:00", 575, rng, 300), remembering(rng, 250, 0.5)
    out = [
        f"{next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)}-INFO: epoch: {i // 120}, iter: {10 * i}, lr: 0.001000, 'loss': {18210 + 180 * wander[i]:.3f}, 'acc': 0.0, time: {57.6 + 0.4 * rng.standard_normal():.3f}"
        for i in range(250)
    ]
    return Log({"rec.log": lines(out)}, Right((("decreasing",),), ("decreasing", "stopping_point"), {"divergence": "ok"}, {"losses": 250, "last_step": 2490}))  # fmt: skip


LOGS = (
    the_same_losses_each_epoch, megatron_leaves_the_loss_out, loss_is_infinity_once, segmentation_climbs_after_ten_thousand, small_set_jumps,
    one_tall_spike_recovers, staircase_of_a_small_set, detector_breaks_in_its_eighth_epoch, jax_completed_steps, prefixed_bars_of_means,
    speech_columns_to_infinity, only_means_that_never_fall, digits_validation_flat, preference_rate_too_high, whisper_rate_too_high,
    recogniser_never_moves,
)  # fmt: skip
