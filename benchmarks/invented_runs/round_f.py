"""Twenty logs in the shapes that are pasted beside a question: brackets, bars, blank cells, other languages, two ranks."""

# ruff: noqa: E501 - the lines of logs are as long as they are

import json
from datetime import datetime, timedelta

import numpy as np
from invented_runs.shapes import Log, Right, clock, lines, power, remembering, warm_cosine

R = np.random.Generator


def brackets_around_names(rng: R) -> Log:
    """`[epoch]: 3, [batch]: 200, [loss]: 5.1` between samples that the model wrote; noisy, and flat in its second half."""
    out, times = [], clock("2019-08-02 11:00:00", 40, rng, 600)
    for i in range(400):
        e, b = i // 20, 100 * (i % 20 + 1)
        loss = 4.62 + 3.9 * np.exp(-i / 40) + 0.18 * rng.standard_normal()
        out.append(
            f"{next(times):%Y-%m-%d %H:%M:%S},{rng.integers(0, 999):03d} - __main__ - INFO - [epoch]: {e}, [batch]: {b}, [loss]: {loss}"
        )
        if b == 2000:
            out += ["in:  spring rain on the old roof", f"out: {rng.integers(10, 99)} autumn wind in the new gate"]
    return Log({"couplets.txt": lines(out)}, Right(verdicts={"decreasing": "ok", "convergence": "ok", "divergence": "ok", "overfitting": "not_applicable"}, read={"losses": 400}))  # fmt: skip


def point_clouds_nan(rng: R) -> Log:
    """Batches and a line per epoch with averages; nan from the fourth epoch on, and the averages are nan too."""
    out, times = [], clock("2023-04-02 08:00:00", 2, rng, 500)
    for e in range(1, 7):
        out.append(
            f"[{next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)}] Training at epoch {e} (total 6) with lr 0.0008 and aux_lr 0.005"
        )
        for b in range(0, 308, 20):
            i = (e - 1) * 308 + b
            bpp, xyz = 0.02 + 0.05 * np.exp(-i / 200) + 0.001 * rng.standard_normal(), 0.08 + 0.3 * np.exp(-i / 150)
            bad = e > 4 or (e == 4 and b >= 120)
            a, x, total = ("nan", "nan", "nan") if bad else (f"{bpp:.6f}", f"{xyz:.6f}", f"{bpp + xyz:.6f}")
            out.append(
                f"[{next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)}]     batch count: {b}/308, iter: {b}, bpp_loss_y: {a}, bpp_loss: {a}, xyz_loss: {x}, loss: {total}, aux_loss: {460 + 0.06 * i:.6f}"
            )
        mean = "nan" if bad else f"{bpp + xyz + 0.001:.6f}"
        out.append(
            f"[{next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)}] Epoch: {e}/6 --- time: {1130 + 5 * rng.random():.6f}, lr: 0.000800, avg_bpp_loss: {mean}, avg_xyz_loss: {mean}, avg_loss: {mean}"
        )
    return Log({"pcc.log": lines(out)}, Right((("finite",),), ("finite", "divergence", "decreasing", "stopping_point"), {"convergence": "cannot_tell|not_applicable"}, {}))  # fmt: skip


def scores_learned_and_lost(rng: R) -> Log:
    """A table of an agent's evaluations: the mean return climbs from -1,500 to -200, and at 400,000 steps falls back and stays."""
    head = "steps\tepisodes\telapsed\tmean\tmedian\tstdev\tmax\tmin\taverage_v\taverage_loss_policy\taverage_loss_value_func\taverage_loss_entropy"
    out = [head]
    for i in range(1, 61):
        mean = -1500 + 1300 / (1 + np.exp(-(i - 16) / 3)) if i <= 40 else -1480 + 1200 * np.exp(-(i - 40) / 2)
        mean += 60 * rng.standard_normal()
        out.append(
            f"{10000 * i}\t{50 * i}\t{43.2 * i + rng.random()}\t{mean}\t{mean - 20 * rng.random()}\t{150 + 200 * rng.random()}\t{mean + 400}\t{mean - 500}\t{-4 + rng.random()}\t{0.3 * rng.random()}\t{0.5 + 0.2 * rng.random()}\t{-1.3 + 0.02 * rng.standard_normal()}"
        )
    return Log({"scores.txt": lines(out)}, Right((("divergence", "decreasing", "stopping_point"),), ("divergence", "decreasing", "stopping_point", "stability"), {"convergence": "cannot_tell|not_applicable"}, {"maximised": 1, "last_step": 600000}))  # fmt: skip


def total_of_parts_climbs(rng: R) -> Log:
    """Names and numbers without a sign between them; loss_total climbs from 11 to 86, as its largest part grows."""
    out, times = [], clock("2020-05-11 18:00:00", 40, rng, 900)
    for e in range(5):
        out.append(f"==>>[{next(times):%Y-%m-%d %H:%M:%S}] [Epoch={e:03d}/020] Stage 1, [Need: 0{4 - e}:10:00]")
        for b in range(0, 3877, 50):
            x = (e * 3877 + b) / 3877
            source = 1.6 * (1 - np.exp(-x / 0.8)) + 0.02 * rng.standard_normal() + 0.07
            out.append(
                f"  Iter: [{b:03d}/3877]   Freq {130 + 10 * rng.random():.1f}   loss_target {0.001 * rng.random():.3f}   loss_source {source:.3f}   loss_ml {14000 - 800 * x:.3f}   loss_st {0.7 + 0.05 * rng.random():.3f}   loss_total {9 + 48 * source:.3f}   [{next(times):%Y-%m-%d %H:%M:%S}]"
            )
    return Log({"reid.log": lines(out)}, Right((("decreasing", "divergence"),), ("decreasing", "divergence", "stopping_point", "convergence", "stability"), read={"losses": 390}))  # fmt: skip


def digits_autoencoder(rng: R) -> Log:
    """The example of a variational autoencoder: batches, the epoch's average and the test set's loss. Healthy, nearly flat."""
    out = []
    for e in range(1, 31):
        level = 103.5 + 60 * np.exp(-(e - 0.5) / 2.2)
        out.extend(
            f"Train Epoch: {e} [{128 * b}/60000 ({100 * b // 469}%)]\tLoss: {level + 1.6 * rng.standard_normal():.6f}"
            for b in range(0, 469, 60)
        )
        out += [
            f"====> Epoch: {e} Average loss: {level + 0.05 * rng.standard_normal():.4f}",
            f"====> Test set loss: {level - 0.4 + 0.08 * rng.standard_normal():.4f}",
        ]
    return Log({"vae.out": lines(out)}, Right(may=("convergence", "stopping_point"), verdicts={"decreasing": "ok", "divergence": "ok", "overfitting": "ok", "spikes": "ok|not_applicable|cannot_tell"}, read={"validations": 30}))  # fmt: skip


def keras_bars_stopped_early(rng: R) -> Log:
    """Bars that are redrawn, with an AUC; stopped by a callback 8 epochs after the best. Healthy."""
    text = "2024-02-03 09:12:11.402182: I tensorflow/core/platform/cpu_feature_guard.cc:182] This TensorFlow binary is optimized to use available CPU instructions.\n"
    for e in range(1, 32):
        loss, held = 0.31 + 0.38 * np.exp(-e / 6), 0.352 + 0.33 * np.exp(-e / 5) + 0.003 * rng.standard_normal()
        text += f"Epoch {e}/100\n"
        for b in (1, 32, 64, 96):
            text += f"\r{b:3d}/125 [{'=' * (30 * b // 125):.<30s}] - ETA: {5 - b // 25}s - loss: {loss + 0.02 * rng.standard_normal():.4f} - auc: {0.97 - 0.3 * loss:.4f}"
        text += f"\r125/125 [==============================] - 5s 3{rng.integers(5, 9)}ms/step - loss: {loss + 0.002 * rng.standard_normal():.4f} - auc: {0.97 - 0.3 * loss:.4f} - val_loss: {held:.4f} - val_auc: {0.96 - 0.3 * held:.4f}\n"
    text += "Epoch 31: early stopping\nRestoring model weights from the end of the best epoch: 23.\n"
    return Log({"fit.log": text}, Right(may=("stopping_point",), verdicts={"decreasing": "ok", "overfitting": "ok|cannot_tell", "divergence": "ok", "finite": "ok", "convergence": "ok|cannot_tell"}, read={"validations": 31}))  # fmt: skip


def blank_cells_overfit(rng: R) -> Log:
    """A CSV with rows of the rate, of training and of validation, the rest of each blank; val_loss turns, val_acc falls."""
    out = ["epoch,lr-AdamW,step,train_loss_epoch,train_loss_step,val_acc,val_loss"]
    for e in range(36):
        train = 0.05 + 1.2 * np.exp(-e / 6)
        for b in (49, 99):
            s = 120 * e + b
            out.append(f",0.0003,{s},,,,")
            out.append(f"{e},,{s},,{max(0.004, train + 0.06 * rng.standard_normal())},,")
        held = 0.62 + 0.7 * np.exp(-e / 3) + 0.02 * max(0, e - 8) + 0.008 * rng.standard_normal()
        out.append(f"{e},,{120 * e + 119},,,{0.79 - 0.1 * held + 0.003 * rng.standard_normal()},{held}")
        out.append(f"{e},,{120 * e + 119},{train + 0.005 * rng.standard_normal()},,,")
    return Log({"metrics.csv": lines(out)}, Right((("overfitting",),), ("overfitting", "stopping_point", "convergence"), {"decreasing": "ok", "divergence": "ok"}, {"validations": 36}))  # fmt: skip


def rate_is_zero_from_the_middle(rng: R) -> Log:
    """The plan was counted for one epoch of two: the rate is 0 from step 600 to the end at 1,200, and nothing is learned there."""
    history, loss = [], 0.0
    for i in range(1, 121):
        rate = max(0.0, 5e-5 * (1 - i / 60))
        loss = 0.9 + 1.5 * np.exp(-min(i, 60) / 25)
        history.append(
            {
                "epoch": round(2 * i / 120, 2),
                "grad_norm": float(rng.lognormal(0.5, 0.2)),
                "learning_rate": rate,
                "loss": round(float(loss + 0.03 * rng.standard_normal()), 4),
                "step": 10 * i,
            }
        )
    return Log({"trainer_state.json": json.dumps({"best_metric": None, "epoch": 2.0, "global_step": 1200, "log_history": history, "max_steps": 1200, "num_train_epochs": 2}, indent=1)}, Right((("schedule",),), ("schedule", "convergence", "stability", "stopping_point"), {"decreasing": "ok", "divergence": "ok"}, {"losses": 120, "last_step": 1200}))  # fmt: skip


def chart_export_with_bounds(rng: R) -> Log:
    """A chart's export: the value, its minimum and its maximum, each under the run's name, in quotes. Healthy, flat at its end."""
    out = [
        '"Step","leafy-sun-12 - train/loss","leafy-sun-12 - train/loss__MIN","leafy-sun-12 - train/loss__MAX","leafy-sun-12 - _step"'
    ]
    for i in range(300):
        loss = 1.12 + 3.1 * np.exp(-i / 35) + 0.03 * rng.standard_normal()
        out.append(f'"{20 * i}","{loss}","{loss - 0.05 * rng.random()}","{loss + 0.05 * rng.random()}","{20 * i}"')
    return Log({"wandb_export_2025-03-02.csv": lines(out)}, Right(verdicts={"decreasing": "ok", "convergence": "ok", "divergence": "ok", "spikes": "ok"}, read={"losses": 300, "validations": 0, "last_step": 5980}))  # fmt: skip


def nested_records_recover(rng: R) -> Log:
    """Nested JSON lines: at step 4,000 the loss leaps from 2.5 to 7 and is back where it was 400 steps later. Not diverged."""
    out, base = [], power(800, 10.8, 2.2, 0.4)
    for i in range(800):
        s, hit = 10 * i, 4.4 * np.exp(-(i - 400) / 9) if i >= 400 else 0.0
        record = {
            "ts": 1739000000 + 4.2 * i,
            "step": s,
            "train": {
                "loss": float(base[i] + hit + 0.03 * rng.standard_normal()),
                "grad_norm": float(rng.lognormal(-0.7, 0.2) * (1 + hit)),
            },
            "opt": {"lr": float(3e-4 * min(1, (i + 1) / 40))},
            "perf": {"tok_s": float(81000 + 400 * rng.standard_normal())},
        }
        if i % 80 == 79:
            record["eval"] = {
                "loss": float(base[i] + hit + 0.04 + 0.004 * rng.standard_normal()),
                "ppl": float(np.exp(base[i])),
            }
        out.append(json.dumps(record))
    return Log({"events.jsonl": lines(out)}, Right(may=("spikes", "convergence", "stability"), verdicts={"decreasing": "ok", "divergence": "ok", "finite": "ok"}, read={"losses": 800, "validations": 10, "last_step": 7990}))  # fmt: skip


def german_sheet_overfit(rng: R) -> Log:
    """A sheet in German with semicolons and decimal commas; the held-out loss turns at epoch 12 of 50."""

    def comma(x: float) -> str:
        return f"{x:.5f}".replace(".", ",")

    out = ["Epoche;Trainingsverlust;Validierungsverlust;Genauigkeit;Lernrate;Dauer (s)"]
    for e in range(1, 51):
        held = 0.48 + 0.6 * np.exp(-e / 3.5) + 0.011 * max(0, e - 12) + 0.006 * rng.standard_normal()
        out.append(
            f"{e};{comma(0.06 + 0.9 * np.exp(-e / 8) + 0.004 * rng.standard_normal())};{comma(held)};{comma(0.9 - 0.12 * held)};0,001;{comma(41 + rng.random())}"
        )
    return Log({"verlauf.csv": lines(out)}, Right((("overfitting",),), ("overfitting", "stopping_point", "convergence"), {"decreasing": "ok"}, {"losses": 50, "validations": 50, "last_step": 50}))  # fmt: skip


def chinese_rounds_healthy(rng: R) -> Log:
    """`第12轮 训练损失: 0.532 验证损失: 0.61 验证准确率: 81.2%` under clock times; both losses flatten. Healthy."""
    out, times = [], clock("2023-09-01 20:00:00", 64, rng, 60)
    for e in range(1, 51):
        x = np.exp(-e / 6)
        out.append(
            f"[{next(times):%Y-%m-%d %H:%M:%S}] 第{e}轮/共50轮 训练损失: {0.402 + 0.9 * x + 0.006 * rng.standard_normal():.4f} 验证损失: {0.455 + 0.8 * x + 0.006 * rng.standard_normal():.4f} 验证准确率: {84 - 30 * x + 0.3 * rng.standard_normal():.2f}% 学习率: 0.000100 耗时: {63 + 2 * rng.random():.1f}秒"
        )
        if e % 10 == 0:
            out.append(f"模型已保存: ckpt/model_{e}.pth")
    return Log({"训练.log": lines(out)}, Right(may=("stopping_point",), verdicts={"decreasing": "ok", "overfitting": "ok|cannot_tell", "convergence": "ok|cannot_tell", "divergence": "ok"}, read={"losses": 50, "validations": 50, "last_step": 50}))  # fmt: skip


def two_ranks_and_warnings(rng: R) -> Log:
    """Two ranks print the same step with losses of their own, warnings between; healthy, half of its plan done at a constant rate."""
    out, base = [], power(200, 8.9, 2.6, 0.5)
    for i in range(200):
        s = 25 * (i + 1)
        out.extend(
            f"[rank{rank}]: step {s:6d}/10000 loss {base[i] + 0.04 * rng.standard_normal():.4f} gnorm {rng.lognormal(-0.5, 0.15):.3f} lr 2.00e-04 {1.91 + 0.02 * rng.standard_normal():.2f}s/step"
            for rank in rng.permutation(2)
        )
        if i % 23 == 5:
            out += [
                "[rank1]:/opt/lib/torch/utils/checkpoint.py:295: FutureWarning: `torch.cpu.amp.autocast(args...)` is deprecated.",
                "[rank1]:  with torch.enable_grad(), device_autocast_ctx, torch.cpu.amp.autocast(**kwargs):",
            ]
    return Log({"slurm-8812.out": lines(out)}, Right(verdicts={"decreasing": "ok", "divergence": "ok", "convergence": "cannot_tell|ok", "finite": "ok"}, read={"last_step": 5000}))  # fmt: skip


def adversaries_in_balance(rng: R) -> Log:
    """`[Epoch 3/60] [Batch 120/938] [D loss: 0.51] [G loss: 1.31]`: neither falls, as it should be."""
    out, d, g = [], remembering(rng, 600, 0.7), remembering(rng, 600, 0.7)
    out.extend(
        f"[Epoch {i // 10}/60] [Batch {94 * (i % 10)}/938] [D loss: {0.55 + 0.08 * d[i]:.6f}] [G loss: {1.25 + 0.25 * g[i]:.6f}]"
        for i in range(600)
    )
    return Log({"gan.txt": lines(out)}, Right(verdicts={"decreasing": "not_applicable|cannot_tell|ok", "convergence": "not_applicable|cannot_tell", "divergence": "ok|not_applicable|cannot_tell"}, read={"losses": 600}))  # fmt: skip


def discriminator_at_zero(rng: R) -> Log:
    """`Elapsed [0:05:20] batch: 252 d_loss: 0.000000 g_loss: 9.2`: from batch 900 on D is at 0 and G climbs to 60."""
    out = []
    for i in range(300):
        over = max(0, i - 100) / 200
        d = 0.0 if i > 100 else max(0.0, 0.9 * np.exp(-i / 20) + 0.1 * rng.random() - 0.05)
        g = 2 + 58 * over + (1 + 4 * over) * rng.random()
        out.append(
            f"Elapsed [{timedelta(seconds=10.8 * i + 1.507)}] batch: {9 * (i + 1)}  d_loss: {d:.6f}  g_loss: {g:.6f}"
        )
    return Log({"gan_out.txt": lines(out)}, Right((("decreasing", "divergence", "stability"),), ("decreasing", "divergence", "stability", "stopping_point"), {"convergence": "not_applicable|cannot_tell"}, {"last_step": 2700}))  # fmt: skip


def contrastive_at_chance(rng: R) -> Log:
    """The loss stands at ln 256 = 5.545 from the second epoch on: every view has one and the same representation."""
    out = []
    for e in range(1, 121):
        loss = 5.5453 + (0.11 if e == 1 else 0.0) + 0.0004 * rng.standard_normal()
        out.append(
            f"Train: [{e}][{195}/195]\tBT 0.412 (0.418)\tDT 0.011 (0.013)\tloss {loss + 0.0006 * rng.standard_normal():.3f} ({loss:.4f})"
        )
        out.append(f"epoch {e}, total time {81 + 2 * rng.random():.2f}")
    return Log({"simclr.log": lines(out)}, Right((("decreasing",),), ("decreasing", "stopping_point"), {"divergence": "ok", "convergence": "cannot_tell|not_applicable", "throughput": "ok|cannot_tell|not_applicable"}, {"losses": 120}))  # fmt: skip


def trees_auc_overfit(rng: R) -> Log:
    """Only AUCs: that of the training set goes to 1, that of the test set has its best at round 60 and loses .03 after it."""
    out = ["[10:02:31] WARNING: ../src/learner.cc:627: ", 'Parameters: { "n_estimators" } might not be used.', ""]
    for i in range(600):
        test = 0.861 - 0.1 * np.exp(-i / 15) - 0.00007 * max(0, i - 60) + 0.0006 * rng.standard_normal()
        out.append(f"[{i}]\ttrain-auc:{1 - 0.2 * np.exp(-i / 90):.5f}\ttest-auc:{test:.5f}")
    return Log({"xgb.txt": lines(out)}, Right((("overfitting", "stopping_point"),), ("overfitting", "stopping_point", "convergence"), {"decreasing": "ok", "divergence": "ok"}, {"maximised": 1, "last_step": 599}))  # fmt: skip


def longer_sequences_by_stages(rng: R) -> Log:
    """At two steps the sequences grow and the loss rises by .5, as the task has changed; it falls in every stage. Not diverged."""
    out = []
    for i in range(900):
        stage, x = i // 300, i % 300
        loss = 1.2 + 0.35 * stage + (3.5 if stage == 0 else 0.55) * np.exp(-x / 60) + 0.04 * rng.standard_normal()
        if x == 0:
            out.append(f"curriculum: stage {stage + 1}/3, max_len -> {128 * 4**stage}")
        out.append(
            f"step={10 * (i + 1)} max_len={128 * 4**stage} loss={loss:.4f} lr=1.0e-04 sec/it={0.2 * 4**stage + 0.01 * rng.random():.3f}"
        )
    return Log({"long.log": lines(out)}, Right(may=("spikes", "throughput", "convergence"), verdicts={"decreasing": "ok", "divergence": "ok|cannot_tell", "finite": "ok"}, read={"losses": 900, "last_step": 9000}))  # fmt: skip


def batches_grow(rng: R) -> Log:
    """The batch grows by four at a third of the run: the noise halves, a step takes four times as long. Healthy, its cosine done."""
    out, rates, now = [], warm_cosine(1000, 3e-4, 30, 3e-5), datetime.fromisoformat("2025-06-01T06:00:00")
    for i in range(1000):
        large = i >= 330
        now += timedelta(seconds=(48 if large else 12) * rng.uniform(0.95, 1.05))
        noise = 0.02 if large else 0.04
        loss = 2.3 + 6.5 * (1 + i / 5) ** -0.6 - (0.15 * i / 1000) + noise * rng.standard_normal()
        out.append(
            f"{now:%Y-%m-%dT%H:%M:%S}Z INFO train step={i * 20} bsz={1024 if large else 256} loss={loss:.4f} lr={rates[i]:.3e} gnorm={rng.lognormal(-1.2, 0.15):.3f} tokens_per_s={410000 + 3000 * rng.standard_normal():.0f}"
        )
    return Log({"pretrain.log": lines(out)}, Right(may=("convergence",), verdicts={"decreasing": "ok", "divergence": "ok", "spikes": "ok", "stability": "ok", "schedule": "ok", "throughput": "ok|cannot_tell"}, read={"losses": 1000, "last_step": 19980}))  # fmt: skip


def loader_is_the_bottle_neck(rng: R) -> Log:
    """`time: 2.0853  data: 1.7712` in every line: 85 % of a step is waiting for data; the accelerator stands idle."""
    out = []
    for e in range(6):
        for b in range(0, 1251, 50):
            i = e * 1251 + b
            wait = float(rng.lognormal(0.55, 0.12))
            out.append(
                f"Epoch: [{e}]  [{b:4d}/1251]  eta: {timedelta(seconds=int(2.1 * (1251 - b)))}  lr: 0.100000  img/s: {256 / (wait + 0.3):.1f}  loss: {2.6 + 4.2 * np.exp(-i / 1500) + 0.1 * rng.standard_normal():.4f} ({2.7 + 4.2 * np.exp(-i / 1700):.4f})  acc1: {40 - 38 * np.exp(-i / 2500) + rng.standard_normal():.4f}  time: {wait + 0.3:.4f}  data: {wait:.4f}  max mem: 7120"
            )
        out += [
            f"Epoch: [{e}] Total time: 0:43:4{e}",
            f"Test:  Acc@1 {38 - 34 * np.exp(-e / 2):.3f} Acc@5 {62 - 40 * np.exp(-e / 2):.3f}",
        ]
    return Log({"reference.log": lines(out)}, Right((("throughput",),), ("throughput", "convergence", "stopping_point", "schedule"), {"decreasing": "ok", "divergence": "ok"}, {"losses": 156}))  # fmt: skip


LOGS = (
    brackets_around_names, point_clouds_nan, scores_learned_and_lost, total_of_parts_climbs, digits_autoencoder, keras_bars_stopped_early,
    blank_cells_overfit, rate_is_zero_from_the_middle, chart_export_with_bounds, nested_records_recover, german_sheet_overfit,
    chinese_rounds_healthy, two_ranks_and_warnings, adversaries_in_balance, discriminator_at_zero, contrastive_at_chance, trees_auc_overfit,
    longer_sequences_by_stages, batches_grow, loader_is_the_bottle_neck,
)  # fmt: skip
