"""Twenty-five logs of further trainers and habits, written before the rules were read: the first round."""

# ruff: noqa: E501, PERF401 - the lines of logs are as long as they are

import json

import numpy as np
from invented_runs.shapes import Log, Right, clock, lines, power, remembering, warm_cosine

R = np.random.Generator


def bar(done: int, of: int, seconds: float) -> str:
    """tqdm's bar without what stands behind the rate."""
    spent, left = int(done * seconds), int((of - done) * seconds)
    full = "█" * (20 * done // of)
    return f"{100 * done // of:3d}%|{full:20s}| {done}/{of} [{spent // 60:02d}:{spent % 60:02d}<{left // 60:02d}:{left % 60:02d}, {seconds:5.2f}s/it"


def kohya_bar(rng: R) -> Log:
    """A LoRA of a diffusion model: a running mean of the loss in the bar, flat as it is in every healthy one."""
    out, mean, recent = (
        [
            "running training / 学習開始",
            "  num epochs / epoch数: 8",
            "  total optimization steps / 学習ステップ数: 1600",
        ],
        0.0,
        [],
    )
    updates = ""
    for step in range(1, 1601):
        recent = [*recent, float(rng.lognormal(-2.4, 0.7))][-200:]
        mean = sum(recent) / len(recent)
        updates += f"\rsteps: {bar(step, 1600, 1.24)}, avr_loss={mean:.3g}]"
        if step % 200 == 0:
            updates += f"\nsaving checkpoint: /out/last-{step // 200:06d}.safetensors\nepoch {step // 200 + 1}/8\n"
    return Log({"kohya.log": lines(out) + "epoch 1/8\n" + updates}, Right(read={"last_step": 1600}))


def voice_conversion_gan(rng: R) -> Log:
    """Step and rate in brackets on one line, the losses of a GAN on the next: nothing in them has to fall for good."""
    out = ["INFO:singer:{'train': {'log_interval': 200, 'epochs': 300, 'learning_rate': 0.0001}}"]
    for i in range(1, 121):
        step = 200 * i
        epoch = 1 + step // 90
        mel = 18.5 + 14 * np.exp(-i / 14) + 1.3 * rng.standard_normal()
        out += [f"INFO:singer:Train Epoch: {epoch} [{(37 * i) % 100}%]", f"INFO:singer:[{step}, {1e-4 * 0.999875**epoch!r}]",
                f"INFO:singer:loss_disc={3.7 + 0.25 * rng.standard_normal():.3f}, loss_gen={3.3 + 0.4 * rng.standard_normal():.3f}, "
                f"loss_fm={7 + 2.5 * (1 - np.exp(-i / 30)) + 0.8 * rng.standard_normal():.3f},loss_mel={mel:.3f}, loss_kl={1.2 + 2 * np.exp(-i / 8) + 0.15 * rng.standard_normal():.3f}",
                f"INFO:singer:====> Epoch: {epoch} [2024-02-02 10:{i // 4 % 60:02d}:{15 * i % 60:02d}] | (0:00:18.{rng.integers(100000, 999999)})"]  # fmt: skip
    return Log({"train.log": lines(out)}, Right(read={"last_step": 24000}))


def mmdet_text_ends_in_nan(rng: R) -> Log:
    """The text log of version 2; from epoch 5, iteration 600 on every loss is NaN."""
    out, times = (
        ["2023-03-01 10:00:00,001 - mmdet - INFO - workflow: [('train', 1)], max: 12 epochs"],
        clock("2023-03-01 10:00:00", 20, rng, 2000),
    )
    for epoch in range(1, 8):
        for it in range(50, 1001, 50):
            i = 1000 * (epoch - 1) + it
            parts = [x * (0.3 + np.exp(-i / 900)) + 0.01 * abs(rng.standard_normal()) for x in (0.12, 0.06, 0.42, 0.39)]
            dead = i >= 4600
            said = ", ".join(
                f"{n}: {'nan' if dead else f'{v:.4f}'}"
                for n, v in zip(("loss_rpn_cls", "loss_rpn_bbox", "loss_cls", "loss_bbox"), parts, strict=True)
            )
            out.append(f"{next(times):%Y-%m-%d %H:%M:%S},123 - mmdet - INFO - Epoch [{epoch}][{it}/1000]\tlr: 2.000e-02, eta: 5:12:11, time: 0.402, data_time: 0.012, memory: 5012, "
                       f"{said}, acc: {5.1 if dead else 92 + rng.standard_normal():.4f}, loss: {'nan' if dead else f'{sum(parts):.4f}'}")  # fmt: skip
    return Log(
        {"20230301_100000.log": lines(out)},
        Right(
            (("finite",),),
            ("divergence", "decreasing", "schedule", "convergence", "stability", "stopping_point"),
            read={"losses": 140, "last_step": 7000},
        ),
    )


def model_card_overfit(rng: R) -> Log:
    """The table of results in a model card; the first validation came before the first training loss was logged."""
    out = ["# speech-small-ft", "", "### Training results", "", "| Training Loss | Epoch | Step | Validation Loss | Wer     |",
           "|:-------------:|:-----:|:----:|:---------------:|:-------:|"]  # fmt: skip
    held = [
        0.402,
        0.311,
        0.279,
        0.268,
        0.272,
        0.291,
        0.314,
        0.333,
        0.352,
        0.371,
        0.384,
        0.402,
        0.411,
        0.420,
        0.431,
        0.437,
    ]
    for i, loss in enumerate(held):
        train = "No log" if i == 0 else f"{0.45 * np.exp(-i / 3) + 0.002 + 0.002 * rng.random():.4f}"
        out.append(
            f"| {train:13s} | {(i + 1) * 0.75:.2f}  | {250 * (i + 1):4d} | {loss + 0.002 * rng.standard_normal():.4f}          | {23 - 6 * (1 - np.exp(-i / 3)) + 0.15 * rng.standard_normal():.4f} |"
        )
    return Log(
        {"README.md": lines(out)},
        Right((("overfitting",),), ("stopping_point",), read={"losses": 15, "validations": 16, "last_step": 4000}),
    )


def grokking(rng: R) -> Log:
    """Modular addition: by heart at once, understood 20,000 steps later. The test loss ends far below where it began."""
    out = []
    for step in range(0, 40001, 200):
        late = 1 / (1 + np.exp(-(step - 24000) / 1500))
        train = 4.6 * np.exp(-step / 350) + 2e-5
        test = (4.6 + 9 * (1 - np.exp(-step / 1500))) * (1 - late) + 0.003 * late
        out.append(f"step {step:6d} | train loss {train * rng.lognormal(0, 0.1):.3e} | train acc {1 - 0.99 * np.exp(-step / 200):.3f} | test loss {test * rng.lognormal(0, 0.03):.3e} | "
                   f"test acc {0.01 + 0.985 * late:.3f} | weight norm {60 - 30 * late:.1f}")  # fmt: skip
    return Log(
        {"grok.log": lines(out)},
        Right(
            verdicts={
                "overfitting": "ok|cannot_tell",
                "divergence": "ok|cannot_tell|not_applicable",
                "decreasing": "ok",
            },
            read={"losses": 201, "validations": 201, "last_step": 40000},
        ),
    )


def korean_sheet_overfit(rng: R) -> Log:
    """A sheet kept by hand, with a byte order mark and Korean headings."""
    rows = ["\ufeff에폭,학습 손실,검증 손실,학습 정확도(%),검증 정확도(%),학습률"]
    for e in range(1, 41):
        train = 0.05 + 1.1 * np.exp(-e / 8) + 0.01 * rng.standard_normal()
        held = 0.42 + 0.75 * np.exp(-e / 4) + 0.016 * max(0, e - 10) + 0.01 * rng.standard_normal()
        rows.append(f"{e},{train:.4f},{held:.4f},{100 - 30 * train:.2f},{90 - 20 * held:.2f},0.0005")
    return Log(
        {"학습기록.csv": lines(rows)},
        Right((("overfitting",),), ("stopping_point",), read={"losses": 40, "validations": 40, "last_step": 40}),
    )


def korean_console_healthy(rng: R) -> Log:
    out = ["학습을 시작합니다 (장치: cuda:0)", "학습 데이터 48,210개, 검증 데이터 5,357개"]
    for e in range(1, 51):
        train = 0.21 + 0.9 * np.exp(-e / 8) + 0.006 * rng.standard_normal()
        held = 0.24 + 0.85 * np.exp(-e / 8) + 0.008 * rng.standard_normal()
        rate = 5e-4 * (1 + np.cos(np.pi * (e - 1) / 50))
        out.append(
            f"[에폭 {e}/50] 학습 손실: {train:.4f} | 검증 손실: {held:.4f} | 검증 정확도: {98 - 24 * held:.2f}% | 학습률: {rate:.6f} | 소요 시간: {61 + rng.random():.1f}초"
        )
    out.append("학습 완료. 최고 검증 정확도: 92.31%")
    return Log(
        {"train.log": lines(out)},
        Right(
            verdicts={"decreasing": "ok", "overfitting": "ok", "schedule": "ok"},
            may=("stopping_point",),
            read={"losses": 50, "validations": 50, "last_step": 50},
        ),
    )


def kubernetes_ranks(rng: R) -> Log:
    """A pod's log as the node keeps it: a time, the stream, a letter; four ranks, each with its own loss."""
    out, times = [], clock("2024-05-01 10:00:00", 0.9, rng, 3000)
    level = power(600, 10.6, 2.9, 0.35)
    for i in range(600):
        for rank in rng.permutation(4):
            out.append(f"{next(times).isoformat()}.123456789Z stdout F [rank{rank}] step {10 * (i + 1)}/6000 | loss {level[i] + 0.06 * rng.standard_normal():.4f} | "
                       f"grad_norm {rng.lognormal(-0.3, 0.2):.3f} | lr {warm_cosine(600, 3e-4, 20)[i]:.3e} | 41,2{rng.integers(10, 99)} tok/s")  # fmt: skip
    return Log(
        {"pod-trainer-0.log": lines(out)},
        Right(verdicts={"decreasing": "ok", "schedule": "ok"}, read={"last_step": 6000}),
    )


def slurm_out_of_memory(rng: R) -> Log:
    """`srun -l` puts the task before each line; the run dies of memory at 640 of 5,000 iterations."""
    out = [
        "0: Namespace(batch_size=32, epochs=10, lr=0.0001, workers=8)",
        "0: => loading dataset",
        "1: => loading dataset",
    ]
    for it in range(10, 641, 10):
        out.append(
            f"0: Iter [{it}/5000]  Loss: {3.1 + 4.2 * np.exp(-it / 260) + 0.05 * rng.standard_normal():.4f}  LR: 0.000100  Mem: {17 + it / 300:.1f}G"
        )
    out += [f"{r}: {t}" for r in (1, 0) for t in ("Traceback (most recent call last):", '  File "train.py", line 214, in <module>', "    loss.backward()",
            "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.21 GiB. GPU 0 has a total capacity of 23.69 GiB of which 412.19 MiB is free.")]  # fmt: skip
    out += ["srun: error: gpu-node: tasks 0-1: Exited with exit code 1"]
    return Log(
        {"slurm-48213.out": lines(out)},
        Right(
            may=("restarts",),
            verdicts={"decreasing": "ok", "convergence": "cannot_tell|not_applicable|ok"},
            read={"losses": 64, "last_step": 640},
        ),
    )


def imagenet_example_steps(rng: R) -> Log:
    """The classic example of PyTorch with mixed precision: two skipped steps at the start, two drops of the rate (not logged)."""
    out = []
    for e in range(30):
        floor = (2.6, 1.9, 1.75)[min(e // 10, 2)]
        for b in range(0, 2500, 250):
            done = e % 10 + b / 2500
            loss = (
                floor
                + (4.2 if e < 10 else 0.15) * np.exp(-done / (2.0 if e < 10 else 1.0))
                + 0.11 * rng.standard_normal()
            )
            if e == 0 and b in (0, 250):
                out.append(
                    f"Gradient overflow.  Skipping step, loss scaler 0 reducing loss scale to {32768 if b == 0 else 16384}.0"
                )
            out.append(
                f"Epoch: [{e}][{b:>4d}/2500]\tTime  0.31{rng.integers(0, 9)} ( 0.315)\tData  0.004 ( 0.009)\tLoss {loss:.4e} ({loss + 0.04:.4e})\tAcc@1  {85 - 16 * loss:5.2f} ({84 - 16 * loss:5.2f})\tAcc@5  {97 - 10 * loss:5.2f} ({97 - 10 * loss:5.2f})"
            )
        held = floor - 0.1 + (3.6 if e < 10 else 0.1) * np.exp(-(e % 10 + 1) / 2.0) + 0.03 * rng.standard_normal()
        for b in (0, 100, 195):
            out.append(
                f"Test: [{b:>3d}/196]\tTime  0.212 ( 0.244)\tLoss {held + 0.1 * rng.standard_normal():.4e} ({held:.4e})\tAcc@1  {86 - 16 * held:5.2f} ({86 - 16 * held:5.2f})\tAcc@5  {97 - 9 * held:5.2f} ({97 - 9 * held:5.2f})"
            )
        out.append(f" *   Acc@1 {86 - 16 * held:.3f} Acc@5 {97 - 9 * held:.3f}")
    return Log(
        {"nohup.out": lines(out)},
        Right(
            may=("stopping_point",),
            verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok"},
            read={"losses": 300, "validations": 30, "last_step": 74750},
        ),
    )


def long_table_overfit(rng: R) -> Log:
    """An export in the long form: one row per value, the series' name in a column."""
    rows = ["run_id,run_name,metric,step,timestamp,value"]
    for e in range(1, 61):
        for name, value in (
            ("train_loss", 0.1 + 1.5 * np.exp(-e / 14)),
            ("val_loss", 0.55 + 1.0 * np.exp(-e / 6) + 0.012 * max(0, e - 15)),
            ("val_f1", 0.8 - 0.4 * np.exp(-e / 5) - 0.0008 * max(0, e - 15)),
        ):
            rows.append(
                f"9f21c,brave-owl,{name},{e},{1714550000000 + 61000 * e},{value + 0.008 * rng.standard_normal():.6f}"
            )
    return Log(
        {"metrics_export.csv": lines(rows)},
        Right((("overfitting",),), ("stopping_point",), read={"losses": 60, "validations": 60, "last_step": 60}),
    )


def two_runs_one_file(rng: R) -> Log:
    """The same script started twice into the same file: the first run went to NaN, the second is sound."""
    out = []
    for which in (0, 1):
        out += ["=" * 40, f"Config: lr={(0.01, 0.001)[which]} batch_size=64 epochs=20 seed={which}", "=" * 40]
        for e in range(1, 21 if which else 9):
            dead = which == 0 and e >= 6
            loss = 2.3 * np.exp(-e / 5) + 0.3 + 0.01 * rng.standard_normal() if which else 2.2 + 0.3 * e**2
            out.append(
                f"epoch {e}: train_loss={'nan' if dead else f'{loss:.4f}'} val_loss={'nan' if dead else f'{loss + 0.05:.4f}'} val_acc={0.1 if dead else 0.95 - 0.3 * min(loss, 2.5):.4f}"
            )
    return Log(
        {"train.log": lines(out)},
        Right(
            may=("stopping_point", "convergence"),
            verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok|cannot_tell"},
            read={"runs": 2, "losses": 20, "validations": 20, "last_step": 20},
        ),
    )


def nanotron_requeued(rng: R) -> Log:
    """Killed by the queue twice and resumed from the last checkpoint: steps overlap, rate and loss go on. Rounded to 3 digits."""
    out, loss, rates = (
        [],
        power(1200, 11.1, 2.2, 0.38) + 0.03 * remembering(rng, 1200, 0.4),
        warm_cosine(1200, 3e-4, 40, 3e-5),
    )
    hours = 0.0
    for first, last in ((0, 430), (400, 910), (900, 1200)):
        hours += 2
        out.append(
            f"06/12/2024 09:00:00 [INFO|DP=0|PP=0|TP=0|node-7]: {'Loading checkpoint from /ckpt/' + str(10 * first) if first else 'No checkpoint path provided.'}"
        )
        for i in range(first, last):
            hours += 59 / 3600
            out.append(f"06/{12 + int(hours) // 24}/2024 {int(hours) % 24:02d}:{int(60 * hours) % 60:02d}:{int(3600 * hours) % 60:02d} [INFO|DP=0|PP=0|TP=0|node-7]: iteration: {10 * (i + 1)} / 12000 | consumed_tokens: {0.00524 * (i + 1):.3g}G | elapsed_time_per_iteration_ms: 5.9{rng.integers(0, 9)}K | "
                       f"tokens_per_sec: 88.{rng.integers(0, 9)}K | tokens_per_sec_per_gpu: 11.{rng.integers(0, 9)}K | global_batch_size: 128 | lm_loss: {loss[i]:.3g} | lr: {rates[i]:.3g} | model_tflops_per_gpu: 171 | grad_norm: {rng.lognormal(-1, 0.2):.3g}")  # fmt: skip
        if last < 1200:
            out.append(
                "slurmstepd: error: *** JOB 81224 ON node-7 CANCELLED AT 2024-06-13T09:00:00 DUE TO TIME LIMIT ***"
            )
    return Log(
        {"train.log": lines(out)},
        Right(
            verdicts={"decreasing": "ok", "schedule": "ok", "divergence": "ok"},
            read={"losses": 1200, "last_step": 12000},
        ),
    )


def accuracy_in_percent(rng: R) -> Log:
    """Nothing but accuracies, in percent, of both sets."""
    out = [
        f"Epoch {e:3d}  train acc {96 - 60 * np.exp(-e / 7) + 0.3 * rng.standard_normal():.2f}%  test acc {91 - 56 * np.exp(-e / 7) + 0.4 * rng.standard_normal():.2f}%  ({42 + rng.random():.1f}s)"
        for e in range(1, 61)
    ]
    return Log(
        {"log.txt": lines(out)},
        Right(
            verdicts={"decreasing": "ok", "overfitting": "ok|cannot_tell|not_applicable"},
            may=("stopping_point",),
            read={"losses": 60, "maximised": 1, "last_step": 60},
        ),
    )


def only_validation_rises(rng: R) -> Log:
    """Only the held-out set is written: its loss turns at epoch 7 of 30 and goes to twice its lowest."""
    out = [
        f"epoch {e:02d}  valid_loss {0.52 + 0.8 * np.exp(-e / 2.5) + 0.028 * max(0, e - 7) + 0.008 * rng.standard_normal():.4f}  valid_f1 {74 - 30 * np.exp(-e / 3) - 0.15 * max(0, e - 9) + 0.2 * rng.standard_normal():.2f}"
        for e in range(1, 31)
    ]
    return Log(
        {"valid.log": lines(out)},
        Right(
            (("overfitting", "divergence", "decreasing"),),
            ("overfitting", "divergence", "decreasing", "stopping_point", "convergence"),
        ),
    )


def negative_likelihood_flow(rng: R) -> Log:
    """A normalising flow: the negative log-likelihood of densities goes below zero, as it may."""
    out, nll = [], 4.9 - 8.4 * (1 - np.exp(-np.arange(500) / 70)) + 0.08 * remembering(rng, 500, 0.3)
    for i in range(500):
        out.append(
            f"Iter {20 * (i + 1):06d} | Time 0.3{rng.integers(10, 99)}(0.3412) | NLL {nll[i]:.4f}({nll[max(0, i - 20) : i + 1].mean():.4f}) | NFE Forward 62(61.2) | Grad Norm {rng.lognormal(0.6, 0.3):.3f}"
        )
        if (i + 1) % 50 == 0:
            out.append(f"[VAL] Iter {20 * (i + 1):06d} | NLL {nll[i - 20 : i + 1].mean() + 0.06:.4f} | NFE 61")
    return Log(
        {"logs": lines(out)},
        Right(
            may=("stopping_point",),
            verdicts={"decreasing": "ok", "divergence": "ok", "overfitting": "ok|cannot_tell"},
            read={"losses": 500, "validations": 10, "last_step": 10000, "maximised": 0},
        ),
    )


def warm_restarts_tsv(rng: R) -> Log:
    """Cosine with restarts of 10, 20 and 40 epochs, as planned: the loss leaps a little at each and ends lower."""
    rows, start = ["epoch\tlr\ttrain_loss\tval_loss\tval_top1"], 0
    for length in (10, 20, 40):
        for e in range(length):
            rate = 1e-4 + 0.5 * (0.1 - 1e-4) * (1 + np.cos(np.pi * e / length))
            loss = (
                0.25
                + 1.4 * np.exp(-(start + e) / 9)
                + 5.5 * rate * (0.4 if start == 0 else 1)
                + 0.01 * rng.standard_normal()
            )
            rows.append(
                f"{start + e}\t{rate:.6f}\t{loss:.4f}\t{0.1 + loss * 0.95 + 0.015 * rng.standard_normal():.4f}\t{95 - 20 * loss:.2f}"
            )
        start += length
    return Log(
        {"history.tsv": lines(rows)},
        Right(
            may=("stopping_point",),
            verdicts={"schedule": "ok", "decreasing": "ok", "divergence": "ok", "overfitting": "ok|cannot_tell"},
            read={"losses": 70, "validations": 70, "last_step": 69},
        ),
    )


def speech_plateau_then_drop(rng: R) -> Log:
    """CTC gives blanks for eleven epochs, then it gets the idea; healthy at the end."""
    out = []
    for e in range(1, 46):
        got = 1 / (1 + np.exp(-(e - 13) / 1.2))
        loss = (
            (112 + 3 * np.exp(-e / 2)) * (1 - got)
            + got * (14 + 55 * np.exp(-(e - 11) / 6))
            + 0.7 * rng.standard_normal()
        )
        wer = 100 * (1 - got) + got * (12 + 60 * np.exp(-(e - 11) / 6)) + 0.25 * rng.standard_normal()
        out += [
            f"Training Summary Epoch: [{e}]\tTime taken (s): {1210 + rng.integers(0, 40)}\tAverage Loss {loss:.3f}\t",
            f"Validation Summary Epoch: [{e}]\tAverage WER {min(wer, 100):.3f}\tAverage CER {min(0.45 * wer, 98):.3f}\t",
        ]
    return Log(
        {"deepspeech.log": lines(out)},
        Right(
            may=("stopping_point", "convergence"),
            verdicts={"decreasing": "ok", "divergence": "ok"},
            read={"losses": 45, "last_step": 45},
        ),
    )


def detr_json_overfit(rng: R) -> Log:
    rows = []
    for e in range(120):
        train, held = 4.5 + 9 * np.exp(-e / 16) - 0.012 * e, 6.1 + 7 * np.exp(-e / 12) + 0.02 * max(0, e - 45)
        row = {"train_lr": 9.999999999999826e-05, "train_class_error": 5 * train, "train_loss": train + 0.04 * rng.standard_normal(), "train_loss_ce": 0.1 * train, "train_loss_bbox": 0.09 * train,
               "train_cardinality_error_unscaled": 4.1, "test_class_error": 4.5 * held, "test_loss": held + 0.05 * rng.standard_normal(), "test_loss_ce": 0.11 * held, "test_loss_bbox": 0.1 * held,
               "test_coco_eval_bbox": [round(float(0.9 - 0.1 * held), 4)] + [0.2] * 11, "epoch": e, "n_parameters": 41302368}  # fmt: skip
        rows.append(json.dumps(row))
    return Log(
        {"log.txt": lines(rows)},
        Right((("overfitting",),), ("stopping_point",), read={"losses": 120, "validations": 120, "last_step": 119}),
    )


def rwkv_bar_diverges(rng: R) -> Log:
    """A bar with carriage returns whose loss turns up at 60 %, jumps about and stays above 7."""
    text, mean = "Epoch 0:   0%|          | 0/4000 [00:00<?, ?it/s]", 11.0
    for step in range(1, 4001):
        late = max(0.0, (step - 2400) / 300)
        loss = (
            2.7
            + 8.2 * np.exp(-step / 300)
            + 4.9 * (1 - np.exp(-late))
            + (0.08 + 0.25 * min(late, 1)) * abs(rng.standard_normal())
        )
        mean = loss if step == 1 else 0.9 * mean + 0.1 * loss
        if step % 10 == 0:
            text += f"\rEpoch 0: {100 * step // 4000:3d}%|{'█' * (step // 400):10s}| {step}/4000 [{step // 120:02d}:{step // 2 % 60:02d}<{(4000 - step) // 120:02d}:{(4000 - step) // 2 % 60:02d},  2.01it/s, loss={mean:.3f}, lr=0.0006, REAL it/s=2.010, Kt/s=65.10]"
    return Log(
        {"rwkv.log": text + "\n"},
        Right(
            (("divergence",),),
            ("decreasing", "stability", "spikes", "stopping_point", "convergence"),
            read={"losses": 400, "last_step": 4000},
        ),
    )


def mlx_lora_overfit(rng: R) -> Log:
    out = [
        "Loading pretrained model",
        "Trainable parameters: 0.041% (1.311M/3212.750M)",
        "Starting training..., iters: 2000",
    ]
    held = [2.914, 1.602, 1.471, 1.428, 1.439, 1.482, 1.551, 1.634, 1.702, 1.811, 1.893]
    for it in range(10, 2001, 10):
        if it == 10 or it % 200 == 0:
            out.append(
                f"Iter {1 if it == 10 else it}: Val loss {held[it // 200]:.3f}, Val took 12.{rng.integers(100, 999)}s"
            )
        loss = 0.35 + 1.0 * np.exp(-it / 700) + 1.2 * np.exp(-it / 40) + 0.07 * rng.standard_normal()
        out.append(
            f"Iter {it}: Train loss {loss:.3f}, Learning Rate 1.000e-05, It/sec 0.9{rng.integers(10, 99)}, Tokens/sec 312.{rng.integers(100, 999)}, Trained Tokens {342 * it}, Peak mem 21.3{rng.integers(0, 9)}0 GB"
        )
        if it % 500 == 0:
            out.append(
                f"Iter {it}: Saved adapter weights to adapters/adapters.safetensors and adapters/{it:07d}_adapters.safetensors."
            )
    return Log(
        {"lora.txt": lines(out)},
        Right((("overfitting",),), ("stopping_point",), read={"losses": 200, "validations": 11, "last_step": 2000}),
    )


def estimator_learns_nothing(rng: R) -> Log:
    """TensorFlow 1: the loss stays where it began for 10,000 steps; so does the accuracy."""
    out = [
        "INFO:tensorflow:Using config: {'_save_checkpoints_steps': 1000, '_log_step_count_steps': 100}",
        "INFO:tensorflow:Graph was finalized.",
    ]
    for step in range(0, 10001, 100):
        out.append(
            f"INFO:tensorflow:loss = {2.3031 + 0.012 * rng.standard_normal():.7g}, step = {step}"
            + (f" (12.{rng.integers(100, 999)} sec)" if step else "")
        )
        if step:
            out.append(f"INFO:tensorflow:global_step/sec: 8.1{rng.integers(100, 999)}")
        if step and step % 1000 == 0:
            out += [
                f"INFO:tensorflow:Saving checkpoints for {step} into runs/model.ckpt.",
                f"INFO:tensorflow:Saving dict for global step {step}: accuracy = {0.1 + 0.003 * rng.standard_normal():.6f}, global_step = {step}, loss = {2.3026 + 0.002 * rng.standard_normal():.6f}",
            ]
    return Log(
        {"tf.log": lines(out)}, Right((("decreasing",),), read={"losses": 101, "validations": 10, "last_step": 10000})
    )


def composer_blocks(rng: R) -> Log:
    """One heading per batch, then a name and a value on each indented line. Healthy."""
    out, loss, rates = [], power(400, 12.0, 2.4, 0.4), warm_cosine(400, 6e-4, 20, 6e-5)
    for i in range(400):
        value = loss[i] + 0.03 * rng.standard_normal()
        out += [f"[batch={10 * (i + 1)}/4000]:", f"\t Train time/batch: {10 * (i + 1) - 1}", f"\t Train time/token: {81920 * (10 * i + 9)}", "\t Train trainer/device_train_microbatch_size: 8", f"\t Train loss/train/total: {value:.4f}",
                f"\t Train metrics/train/LanguageCrossEntropy: {value:.4f}", f"\t Train metrics/train/LanguagePerplexity: {np.exp(value):.4f}", f"\t Train throughput/batches_per_sec: 0.81{rng.integers(10, 99)}", f"\t Train lr-DecoupledAdamW/group0: {rates[i]:.6f}"]  # fmt: skip
        if (i + 1) % 50 == 0:
            out += [
                "[Eval batch=1/61] Eval on eval data:",
                f"[Eval batch=61/61] Eval on eval data:\n\t Eval metrics/eval/LanguageCrossEntropy: {loss[i] + 0.05:.4f}\n\t Eval metrics/eval/LanguagePerplexity: {np.exp(loss[i] + 0.05):.4f}",
            ]
    return Log(
        {"composer.log": lines(out)},
        Right(
            verdicts={"decreasing": "ok", "schedule": "ok", "overfitting": "ok|cannot_tell"},
            read={"losses": 400, "validations": 8, "last_step": 4000},
        ),
    )


def matlab_table_constant(rng: R) -> Log:
    """MATLAB's table: ln 2 and half the answers right in every row; the units are dead."""
    rule = "|" + "=" * 108 + "|"
    out = ["Training on single GPU.", "Initializing input data normalization.", rule, "|  Epoch  |  Iteration  |  Time Elapsed  |  Mini-batch  |  Validation  |  Mini-batch  |  Validation  |  Base Learning  |",
           "|         |             |   (hh:mm:ss)   |   Accuracy   |   Accuracy   |     Loss     |     Loss     |      Rate       |", rule]  # fmt: skip
    for i in range(61):
        it = max(1, 50 * i)
        accuracy, checked = 50 + rng.integers(-9, 10) * 0.78, i % 3 == 0
        out.append(
            f"| {1 + it // 300:7d} | {it:11d} | {it // 3600:8d}:{it // 60 % 60:02d}:{it % 60:02d} | {accuracy:11.2f}% | {'50.00%' if checked else '':>12s} | {0.6931 + 0.0003 * rng.standard_normal():12.4f} | {'0.6931' if checked else '':>12s} |          0.1000 |"
        )
    out += [rule, "Training finished: Max epochs completed."]
    return Log(
        {"training.txt": lines(out)},
        Right((("decreasing",),), read={"losses": 61, "validations": 21, "last_step": 3000}),
    )


def yolox_waits_for_data(rng: R) -> Log:
    out, times = [], clock("2024-01-05 10:00:00", 21, rng, 500)
    for epoch in range(1, 21):
        for it in range(50, 201, 50):
            done = epoch - 1 + it / 200
            loss = 4.2 + 9 * np.exp(-done / 4) + 0.25 * rng.standard_normal()
            t = 0.41 + 0.02 * rng.standard_normal()
            out.append(f"{next(times):%Y-%m-%d %H:%M:%S} | INFO     | yolox.core.trainer:270 - epoch: {epoch}/20, iter: {it}/200, gpu mem: 9121Mb, mem: 31.2Gb, iter_time: {t:.3f}s, data_time: {t - 0.07:.3f}s, total_loss: {loss:.1f}, iou_loss: {0.4 * loss:.1f}, "
                       f"l1_loss: 0.0, conf_loss: {0.45 * loss:.1f}, cls_loss: {0.15 * loss:.1f}, lr: {0.005 * (1 + np.cos(np.pi * done / 20)):.3e}, size: 640, ETA: 0:{59 - epoch:02d}:12")  # fmt: skip
        out.append(
            f"{next(times):%Y-%m-%d %H:%M:%S} | INFO     | yolox.core.trainer:374 - Save weights to ./YOLOX_outputs/yolox_s"
        )
    return Log(
        {"train_log.txt": lines(out)},
        Right((("throughput",),), verdicts={"decreasing": "ok"}, read={"losses": 80, "last_step": 4000}),
    )


LOGS = (
    kohya_bar, voice_conversion_gan, mmdet_text_ends_in_nan, model_card_overfit, grokking, korean_sheet_overfit,
    korean_console_healthy, kubernetes_ranks, slurm_out_of_memory, imagenet_example_steps, long_table_overfit,
    two_runs_one_file, nanotron_requeued, accuracy_in_percent, only_validation_rises, negative_likelihood_flow,
    warm_restarts_tsv, speech_plateau_then_drop, detr_json_overfit, rwkv_bar_diverges, mlx_lora_overfit,
    estimator_learns_nothing, composer_blocks, matlab_table_constant, yolox_waits_for_data,
)  # fmt: skip
