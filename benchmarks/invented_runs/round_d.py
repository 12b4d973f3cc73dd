"""Twenty logs in the shapes that people paste when they ask what is wrong: the half that was looked at once."""

# ruff: noqa: E501 - the lines of logs are as long as they are

import json

import numpy as np
from invented_runs.shapes import Log, Right, clock, lines, power, skewed, warm_cosine, warm_linear

R = np.random.Generator


def lightning_bars_overfit(rng: R) -> Log:
    """Bars with the last values of both losses; the held-out one turns at epoch 9 of 40."""
    text, held, shown = (
        "GPU available: True (cuda), used: True\nTPU available: False, using: 0 TPU cores\n\n  | Name  | Type   | Params\n---------------------------------\n0 | model | ResNet | 11.2 M\n---------------------------------\n",
        None,
        "",
    )
    for e in range(40):
        train = 0.03 + 1.1 * np.exp(-e / 7)
        for b in (23, 47, 70, 94):
            step = max(0.001, train + 0.03 * rng.standard_normal())
            text += f"\rEpoch {e}: {100 * b // 94:3d}%|{'█' * (b // 10):10s}| {b}/94 [00:0{b // 18}<00:0{(94 - b) // 18}, 17.2it/s, v_num=3, train_loss_step={step:.3f}{shown}]"
        held = 0.44 + 0.8 * np.exp(-e / 3) + 0.016 * max(0, e - 9) + 0.008 * rng.standard_normal()
        shown = f", val_loss={held:.3f}, val_acc={0.88 - 0.1 * held:.3f}, train_loss_epoch={train + 0.004 * rng.standard_normal():.3f}"
        text += (
            f"\rEpoch {e}: 100%|██████████| 94/94 [00:05<00:00, 17.2it/s, v_num=3, train_loss_step={step:.3f}{shown}]\n"
        )
    return Log({"lit.log": text + "`Trainer.fit` stopped: `max_epochs=40` reached.\n"}, Right((("overfitting",),), ("overfitting", "stopping_point"), {"decreasing": "ok"}, {"validations": 40}))  # fmt: skip


def keras_jumping_validation(rng: R) -> Log:
    """The held-out loss leaps up and down by half (normalisation on small batches) around a level that does not rise: no overfitting."""
    out = []
    for e in range(1, 61):
        loss = 0.21 + 0.75 * np.exp(-e / 14) + 0.008 * rng.standard_normal()
        held = (0.36 + 0.6 * np.exp(-e / 10)) * np.exp(0.28 * rng.standard_normal())
        out += [
            f"Epoch {e}/60",
            f"40/40 - 3s - loss: {loss:.4f} - accuracy: {0.95 - 0.3 * loss:.4f} - val_loss: {held:.4f} - val_accuracy: {max(0.4, 0.93 - 0.25 * held):.4f} - 3s/epoch - 7{rng.integers(0, 9)}ms/step",
        ]
    return Log({"fit.txt": lines(out)}, Right(may=("stopping_point", "convergence"), verdicts={"decreasing": "ok", "overfitting": "ok|cannot_tell", "divergence": "ok"}, read={"losses": 60, "validations": 60, "last_step": 60}))  # fmt: skip


def yolo_console_healthy(rng: R) -> Log:
    """Heading, bar, heading, the figures of all classes, blank line: mAP rises. Healthy."""
    out = [
        "\x1b[34m\x1b[1mtrain: \x1b[0mScanning /data/labels/train... 1212 images, 12 backgrounds, 0 corrupt: 100%|██████████| 1212/1212",
        "Image sizes 640 train, 640 val",
        "Starting training for 80 epochs...",
    ]
    for e in range(1, 81):
        x = np.exp(-e / 22)
        m = 0.71 * (1 - x) + 0.006 * rng.standard_normal()
        out += [
            "",
            "      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size",
            f"      {e}/80      4.21G     {0.82 + 0.9 * x + 0.01 * rng.standard_normal():.4g}     {0.55 + 1.9 * x + 0.015 * rng.standard_normal():.4g}      {1.01 + 0.5 * x:.4g}         {rng.integers(20, 60)}        640: 100%|██████████| 76/76 [00:12<00:00,  6.21it/s]",
            "                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|██████████| 8/8 [00:01<00:00,  4.11it/s]",
            f"                   all        241       1012      {0.8 - 0.4 * x:.3g}      {0.74 - 0.5 * x:.3g}      {m:.3g}      {0.66 * m:.3g}",
        ]
    return Log({"yolo.txt": lines(out)}, Right(may=("stopping_point", "convergence"), verdicts={"decreasing": "ok", "overfitting": "ok|not_applicable|cannot_tell", "divergence": "ok"}, read={"losses": 80, "last_step": 6080}))  # fmt: skip


def language_model_blocks_never_recover(rng: R) -> Log:
    """Blocks of `key=value` under `[step=…]`; after step 6,100 the loss stands 1.5 above what it was, to the end."""
    out = []
    for i in range(1, 1001):
        loss = (
            2.9
            + 7.9 * (1 + i / 4) ** -0.7
            + (1.5 * (1 - np.exp(-(i - 610) / 6)) if i > 610 else 0)
            + 0.03 * rng.standard_normal()
        )
        out += [
            f"[step={10 * i}/10000,epoch=0]",
            f"    optim/total_grad_norm={rng.lognormal(-1, 0.2) * (6 if 608 < i < 620 else 1):.4g}",
            f"    train/CrossEntropyLoss={loss:.4g}",
            f"    train/Perplexity={np.exp(loss):.4g}",
            f"    throughput/total_tokens={41943040 * i}",
            "    throughput/device/batches_per_second=0.4121",
        ]
        if i % 50 == 0:
            out.append("    optim/learning_rate_group0=0.0003")
    return Log({"olm.out": lines(out)}, Right((("divergence",),), ("divergence", "spikes", "stability", "decreasing", "stopping_point"), {"convergence": "cannot_tell|not_applicable"}, {"losses": 1000, "last_step": 10000}))  # fmt: skip


def self_supervised_starved(rng: R) -> Log:
    """`data:` is four fifths of `time:` in every line: the loader cannot keep up."""
    out, times = [], clock("2024-03-01 08:00:00", 12, rng, 300)
    for i in range(250):
        loss = 8.6 + 3.4 * np.exp(-i / 60) + 0.05 * rng.standard_normal()
        at = next(times)
        out.append(
            f"I{at:%Y%m%d %H:%M:%S} 4121 dinov2 helpers.py:102] Training  [{10 * i:6d}/125000]  eta: 1 day, 17:{i % 60:02d}:11  lr: {4e-6 * (i + 1):.4f} ({2e-6 * (i + 1):.4f})  wd: 0.0400 (0.0400)  mom: 0.9920 (0.9920)  last_layer_lr: 0.0000 (0.0000)  current_batch_size: 256.0000 (256.0000)  total_loss: {loss:.4f} ({loss + 0.3:.4f})  dino_local_crops_loss: {0.7 * loss:.4f} ({0.7 * loss + 0.2:.4f})  ibot_loss: {0.3 * loss:.4f} ({0.3 * loss + 0.1:.4f})  time: {1.21 + 0.05 * rng.standard_normal():.6f}  data: {0.98 + 0.05 * rng.standard_normal():.6f}  max mem: 21211"
        )
    return Log({"log.txt": lines(out)}, Right((("throughput",),), ("throughput", "convergence", "restarts"), {"decreasing": "ok"}, {"losses": 250, "last_step": 2490}))  # fmt: skip


def segmentation_negative_dice(rng: R) -> Log:
    """A loss below zero (minus dice plus cross-entropy), a line per value and the time before each; polynomial rate. Healthy."""
    out, times = [], clock("2024-01-05 10:00:00", 12, rng, 2000)
    say = lambda text: out.append(f"{next(times):%Y-%m-%d %H:%M:%S}.{rng.integers(100000, 999999)}: {text}")  # noqa: E731
    for e in range(150):
        x = np.exp(-e / 25)
        say(f"Epoch {e}")
        say(f"Current learning rate: {round(0.01 * (1 - e / 150) ** 0.9, 5)}")
        say(f"train_loss {-0.86 + 0.95 * x + 0.012 * rng.standard_normal():.4f}")
        say(f"val_loss {-0.80 + 0.90 * x + 0.016 * rng.standard_normal():.4f}")
        say(f"Pseudo dice [np.float32({0.91 - 0.8 * x:.4f}), np.float32({0.84 - 0.75 * x:.4f})]")
        say(f"Epoch time: {61 + 2 * rng.random():.2f} s")
        if e % 3 == 0:
            say(f"Yayy! New best EMA pseudo Dice: {0.88 - 0.8 * x:.4f}")
        out.append("")
    return Log({"training_log.txt": lines(out)}, Right(may=("stopping_point",), verdicts={"decreasing": "ok", "overfitting": "ok", "divergence": "ok", "schedule": "ok"}, read={"losses": 150, "validations": 150, "last_step": 149}))  # fmt: skip


def word_model_rate_quartered(rng: R) -> Log:
    """The word language model example: batches within epochs, a framed line at the end of each; the rate is cut to a quarter twice. Healthy."""
    out = []
    for e in range(1, 31):
        rate = 20.0 if e <= 14 else 5.0 if e <= 22 else 1.25
        base = 4.72 + 1.9 * np.exp(-e / 3.5) - (0.12 if e > 14 else 0) - (0.04 if e > 22 else 0)
        for b in range(200, 2801, 200):
            loss = base + 0.05 * rng.standard_normal()
            out.append(
                f"| epoch {e:3d} | {b:5d}/ 2983 batches | lr {rate:02.2f} | ms/batch 12.{rng.integers(10, 99)} | loss {loss:5.2f} | ppl {np.exp(loss):8.2f}"
            )
        held = base + 0.16 + 0.008 * rng.standard_normal()
        out += [
            "-" * 89,
            f"| end of epoch {e:3d} | time: 41.{rng.integers(10, 99)}s | valid loss {held:5.2f} | valid ppl {np.exp(held):8.2f}",
            "-" * 89,
        ]
    out += ["=" * 89, "| End of training | test loss  4.67 | test ppl   106.70", "=" * 89]
    return Log({"lm.log": lines(out)}, Right(may=("stopping_point",), verdicts={"decreasing": "ok", "overfitting": "ok", "divergence": "ok", "finite": "ok"}, read={"losses": 420, "validations": 30}))  # fmt: skip


def scoring_history_overfit(rng: R) -> Log:
    """A scoring history saved as a table with times and durations in its first columns; the held-out log loss turns at 90 of 500 trees."""
    rows = [
        ",timestamp,duration,number_of_trees,training_rmse,training_logloss,training_auc,validation_rmse,validation_logloss,validation_auc"
    ]
    for k, i in enumerate(range(0, 501, 10)):
        train, held = (
            0.03 + 0.66 * np.exp(-i / 110),
            0.371 + 0.322 * np.exp(-i / 28) + 0.00035 * max(0, i - 90) + 0.0012 * rng.standard_normal(),
        )
        rows.append(
            f"{k},2024-01-05 10:00:{k:02d}, 0.{k:03d} sec,{i}.0,{0.5 * train**0.5:.6f},{train:.6f},{1 - 0.3 * train:.6f},{0.5 * held**0.5:.6f},{held:.6f},{0.95 - 0.2 * held:.6f}"
        )
    return Log({"history.csv": lines(rows)}, Right((("overfitting",),), ("overfitting", "stopping_point"), {"decreasing": "ok"}, {"losses": 51, "validations": 51, "last_step": 500}))  # fmt: skip


def many_agents_learn(rng: R) -> Log:
    """Statistics over several lines, two tabs-wide columns of names and numbers; the return rises, the loss of the critic does as it likes. Healthy."""
    out, times = [], clock("2024-02-01 09:00:00", 61, rng, 300)
    for i in range(1, 151):
        test = 1.0 + 17 / (1 + np.exp(-(i - 60) / 15)) + 0.4 * rng.standard_normal()
        loss, at = abs(0.05 + 0.02 * np.sin(i / 9) + 0.01 * rng.standard_normal()), next(times)
        out += [f"[INFO {at:%H:%M:%S}] my_main t_env: {50000 * i} / 7500000", f"[INFO {at:%H:%M:%S}] my_main Estimated time left: 1 hours, {i % 60} minutes, 11 seconds. Time passed: {i} minutes, 3 seconds", f"[INFO {at:%H:%M:%S}] my_main Recent Stats | t_env: {50050 * i:10d} | Episode: {1002 * i:8d}", f"ep_length_mean:            {50 + rng.random():.4f}\tepsilon:                    {max(0.05, 1 - i / 20):.4f}\tgrad_norm:                  {rng.lognormal(-1, 0.4):.4f}\tloss:                      {loss:.4f}", f"q_taken_mean:               {0.1 + i / 300:.4f}\treturn_mean:               {test - 0.5 + 0.5 * rng.standard_normal():.4f}\treturn_std:                 {2 + rng.random():.4f}\ttarget_mean:                {0.1 + i / 310:.4f}", f"td_error_abs:               {0.1 + 0.02 * rng.random():.4f}\ttest_ep_length_mean:       48.1000\ttest_return_mean:          {test:.4f}\ttest_return_std:            1.9{rng.integers(100, 999)}", ""]  # fmt: skip
    return Log({"cout.txt": lines(out)}, Right(may=("stopping_point", "convergence"), verdicts={"decreasing": "ok", "divergence": "ok|not_applicable"}, read={"losses": 150, "maximised": 1}))  # fmt: skip


def grpo_kl_explodes(rng: R) -> Log:
    """After 180 of 260 steps the divergence from the reference goes to hundreds and the reward to nothing."""
    out = []
    for i in range(260):
        broken = i >= 180
        reward = (
            0.9 + 0.6 * (1 - np.exp(-i / 60)) + 0.07 * rng.standard_normal()
            if not broken
            else max(0.0, 1.3 * np.exp(-(i - 180) / 4) + 0.01 * rng.standard_normal())
        )
        kl = (
            8e-5 + 0.0004 * i * (1 + 0.1 * rng.standard_normal())
            if not broken
            else 40 * (i - 178) ** 0.8 * rng.lognormal(0, 0.5)
        )
        out.append(
            json.dumps(
                {
                    "loss": round(0.04 * kl, 4),
                    "grad_norm": float(rng.lognormal(-0.5, 0.3)) * (40 if broken else 1),
                    "learning_rate": 1e-6 * (1 - i / 260),
                    "rewards/accuracy_reward": round(max(0.0, reward - 0.6), 4),
                    "rewards/format_reward": 0.0 if broken else 0.6,
                    "reward": round(reward, 6),
                    "reward_std": round(0.3 if not broken else 0.01, 4),
                    "completion_length": 1024.0 if broken else round(849.6 + 9 * rng.standard_normal(), 2),
                    "kl": float(kl),
                    "epoch": round(0.002 * i, 3),
                }
            ).replace('"', "'")
        )
    return Log({"r1.log": lines(out)}, Right((("divergence", "stability"),), ("divergence", "stability", "decreasing", "overfitting", "spikes", "stopping_point"), {"convergence": "cannot_tell|not_applicable"}, {"losses": 260, "maximised": 1}))  # fmt: skip


def pasted_table_no_log(rng: R) -> Log:
    """What a notebook shows, pasted with tabs: `No log` at first, the training loss once every two epochs; the held-out loss rises from epoch 3 on."""
    out, seen = [" [3750/3750 21:11, Epoch 15/15]", "Epoch\tTraining Loss\tValidation Loss\tAccuracy\tF1"], "No log"
    for e in range(1, 16):
        held = 0.52 + 0.06 * np.exp(-(e - 1)) + 0.058 * max(0, e - 3) + 0.012 * rng.standard_normal()
        if e % 2 == 0:
            seen = f"{0.62 * np.exp(-e / 3.2) + 0.004:.6f}"
        out.append(
            f"{e}\t{seen}\t{held:.6f}\t{0.81 + 0.012 * rng.standard_normal():.6f}\t{0.80 + 0.012 * rng.standard_normal():.6f}"
        )
    return Log({"table.txt": lines(out)}, Right((("overfitting",),), ("overfitting", "stopping_point"), read={"validations": 15, "last_step": 15}))  # fmt: skip


def preferences_learned_by_heart(rng: R) -> Log:
    """DPO: within its first epoch fine, from the second on the training loss is next to nothing and the held-out loss has doubled."""
    out, rates = [], warm_cosine(150, 5e-6, 15)
    for i in range(150):
        e = i / 50
        loss = max(
            0.0004,
            (0.69 - 0.14 * min(e, 1)) * (1 if e < 1 else 0.16 if e < 2 else 0.02)
            + 0.02 * rng.standard_normal() * (1 if e < 1 else 0.3),
        )
        margin = 0.3 + (0.9 * e if e < 1 else 4 + 3 * e)
        out.append(
            f"{{'loss': {loss:.4f}, 'grad_norm': {rng.lognormal(0.5, 0.3):.4f}, 'learning_rate': {rates[i]}, 'rewards/chosen': {-0.2 * e:.4f}, 'rewards/rejected': {-0.2 * e - margin:.4f}, 'rewards/accuracies': {min(1, 0.6 + 0.2 * e):.4f}, 'rewards/margins': {margin:.4f}, 'logps/rejected': {-280 - 30 * e:.3f}, 'logps/chosen': {-260 - 12 * e:.3f}, 'logits/rejected': -2.5, 'logits/chosen': -2.7, 'epoch': {(i + 1) / 50:.2f}}}"
        )
        if i % 10 == 9:
            held = 0.56 + 0.1 * np.exp(-e / 0.4) + (0.45 * (e - 1) if e > 1 else 0) + 0.012 * rng.standard_normal()
            out.append(
                f"{{'eval_loss': {held:.6f}, 'eval_runtime': 61.2, 'eval_samples_per_second': 8.1, 'eval_steps_per_second': 1.0, 'eval_rewards/chosen': -0.31, 'eval_rewards/rejected': -1.2, 'eval_rewards/accuracies': {0.71 + 0.012 * rng.standard_normal():.4f}, 'eval_rewards/margins': {0.8 + 0.5 * e:.4f}, 'epoch': {(i + 1) / 50:.2f}}}"
            )
    return Log({"dpo.out": lines(out)}, Right((("overfitting",),), ("overfitting", "stopping_point"), {"schedule": "ok", "finite": "ok", "divergence": "ok"}, {"losses": 150, "validations": 15}))  # fmt: skip


def history_records_period_too_short(rng: R) -> Log:
    """An exported history: a record per step, null where nothing was logged; the cosine's period is half the run, so the rate climbs again to the end."""
    rows, loss = [], power(600, 4.6, 1.9, 0.4)
    for i in range(600):
        rate = 5e-4 * 0.5 * (1 + np.cos(np.pi * i / 310))
        rows.append(
            json.dumps(
                {
                    "_step": i,
                    "_runtime": 2.1 * i + 11.2,
                    "_timestamp": 1704448800.5 + 2.1 * i,
                    "train/loss": float(loss[i] + 0.03 * rng.standard_normal()),
                    "train/lr": float(rate),
                    "train/grad_norm": float(rng.lognormal(-1, 0.2)),
                    "val/loss": float(loss[i] + 0.05 + 0.008 * rng.standard_normal()) if i % 50 == 49 else None,
                    "val/acc": float(0.8 - 0.1 * loss[i]) if i % 50 == 49 else None,
                }
            )
        )
    return Log({"history.jsonl": lines(rows)}, Right((("schedule",),), ("schedule", "stopping_point", "convergence"), {"decreasing": "ok"}, {"losses": 600, "validations": 12, "last_step": 599}))  # fmt: skip


def chat_ppo_reward_lines(rng: R) -> Log:
    """A line of losses and, after each, one with the average reward; it rises from 1.1 to 4. Healthy."""
    out, mean = [], 1.1
    for i in range(200):
        reward = 1.1 + 2.9 * (1 - np.exp(-i / 60)) + 0.25 * rng.standard_normal()
        mean = 0.9 * mean + 0.1 * reward
        out += [
            f"Epoch: 0 | Step: {i} | PPO Epoch: 1 | Actor Loss: {0.02 * rng.standard_normal():.6f} | Critic Loss: {0.05 + 0.2 * np.exp(-i / 20) + 0.01 * abs(rng.standard_normal()):.6f} | Unsupervised Loss: 0.0",
            f"End-to-End => Latency: 9.{rng.integers(10, 99)}s, TFLOPs: 31.2, Samples/sec: 6.9, Time/seq 0.14s, Batch Size: 64, Total Seq. Length: 512",
            f"Average reward score: {reward:.6f} Ema reward score: {mean:.6f}",
            "-" * 85,
        ]
    return Log({"step3.log": lines(out)}, Right(may=("stopping_point", "convergence"), verdicts={"decreasing": "ok", "divergence": "ok|not_applicable"}, read={"losses": 200, "maximised": 1, "last_step": 199}))  # fmt: skip


def speech_brain_overfit(rng: R) -> Log:
    """`epoch: 3, lr: … - train loss: … - valid loss: …, valid CER: …`: fine-tuned for too long, loss and errors rise again."""
    out = []
    for e in range(1, 31):
        late = max(0, e - 7)
        out.append(
            f"epoch: {e}, lr_model: {1e-3 * 0.9 ** (e // 4):.2e}, lr_wav2vec: {1e-4 * 0.9 ** (e // 4):.2e} - train loss: {0.02 + 2.4 * np.exp(-e / 2.6):.2e} - valid loss: {0.41 + 1.2 * np.exp(-e / 1.8) + 0.021 * late + 0.006 * rng.standard_normal():.2e}, valid CER: {5.1 + 20 * np.exp(-e / 1.6) + 0.08 * late:.2f}, valid WER: {17.2 + 50 * np.exp(-e / 1.6) + 0.22 * late + 0.1 * rng.standard_normal():.2f}"
        )
    out.append("Epoch loaded: 9 - test loss: 4.31e-01, test CER: 5.31, test WER: 17.90")
    return Log({"train_log.txt": lines(out)}, Right((("overfitting",),), ("overfitting", "stopping_point"), {"decreasing": "ok"}, {"losses": 30, "validations": 30, "last_step": 30}))  # fmt: skip


def splats_bar_healthy(rng: R) -> Log:
    """A bar with a smoothed loss and points, evaluations of both views between; the loss is skewed and still coming down slowly. Healthy."""
    text = "Output folder: ./output/a1\nReading camera 185/185\n"
    for i in range(10, 30001, 10):
        loss = 0.021 + 0.16 * (1 + i / 300) ** -0.6 + 0.0016 * skewed(rng, 1)[0]
        if i % 100 == 0:
            text += f"\rTraining progress: {100 * i // 30000:3d}%|{'█' * (i // 3000):10s}| {i}/30000 [{i // 1500:02d}:11<{(30000 - i) // 1500:02d}:41, 24.8it/s, Loss={loss:.7f}]"
        if i in (7000, 30000):
            text += f"\n[ITER {i}] Evaluating test: L1 {0.03 - i / 4e6:.10f} PSNR {24.1 + i / 1e4:.10f}\n\n[ITER {i}] Evaluating train: L1 0.0201 PSNR {26.2 + i / 1e4:.10f}\n\n[ITER {i}] Saving Gaussians\n"
    return Log({"gs.log": text + "\nTraining complete.\n"}, Right(may=("convergence",), verdicts={"decreasing": "ok", "divergence": "ok", "spikes": "ok", "stability": "ok"}, read={"losses": 300, "last_step": 30000}))  # fmt: skip


def old_speech_overfit(rng: R) -> Log:
    """`Epoch 3 |   Training | Elapsed Time: … | Steps: … | Loss: …` and the same for the validation; the latter turns at epoch 8 of 30."""
    out = ["I Could not find best validating checkpoint.", "I Initializing all variables.", "I STARTING Optimization"]
    for e in range(30):
        out += [
            f"Epoch {e} |   Training | Elapsed Time: 0:12:{rng.integers(10, 59)} | Steps: 1213 | Loss: {4 + 90 * np.exp(-e / 6) + 0.3 * rng.standard_normal():.6f}",
            f"Epoch {e} | Validation | Elapsed Time: 0:00:41 | Steps: 121 | Loss: {41 + 60 * np.exp(-e / 3) + 0.9 * max(0, e - 8) + 0.5 * rng.standard_normal():.6f} | Dataset: data/dev.csv",
        ]
        if e < 9:
            out.append(
                f"I Saved new best validating model with loss {41 + 60 * np.exp(-e / 3):.6f} to: out/best_dev-{1213 * (e + 1)}"
            )
        out.append("-" * 80)
    return Log({"ds.log": lines(out)}, Right((("overfitting",),), ("overfitting", "stopping_point"), {"decreasing": "ok"}, {"losses": 30, "validations": 30, "last_step": 29}))  # fmt: skip


def discriminator_has_won(rng: R) -> Log:
    """A generator that is told nothing any more: the discriminator's loss is 0.0000 and D(G(z)) too, from the fourth epoch to the last."""
    out = ["Starting Training Loop..."]
    for e in range(20):
        for b in range(0, 1500, 100):
            won = e >= 4
            d, g, r, f = (
                (0.0, 27.6 + 0.4 * rng.standard_normal(), 1.0, 0.0)
                if won
                else (0.6 + 0.2 * rng.standard_normal(), 2.4 + 0.6 * rng.standard_normal(), 0.8, 0.2)
            )
            out.append(
                f"[{e}/20][{b}/1583]\tLoss_D: {abs(d):.4f}\tLoss_G: {g:.4f}\tD(x): {r:.4f}\tD(G(z)): {f:.4f} / {f * 0.7:.4f}"
            )
    return Log({"dcgan.txt": lines(out)}, Right((("decreasing", "divergence", "stability", "finite"),), ("decreasing", "divergence", "stability", "finite", "spikes"), read={}))  # fmt: skip


def state_with_rate_zero(rng: R) -> Log:
    """A trainer's state: the rate is 0.0 from the first step to the last (the scheduler had been stepped to its end), and the loss stands still."""
    history = []
    for i in range(1, 121):
        history.append(
            {
                "epoch": round(i / 40, 4),
                "grad_norm": float(rng.lognormal(0.7, 0.2)),
                "learning_rate": 0.0,
                "loss": round(2.31 + 0.05 * float(rng.standard_normal()), 4),
                "step": 10 * i,
            }
        )
        if i % 40 == 0:
            history.append(
                {
                    "epoch": i / 40,
                    "eval_loss": 2.3074,
                    "eval_runtime": 12.1,
                    "eval_samples_per_second": 41.0,
                    "eval_steps_per_second": 5.1,
                    "step": 10 * i,
                }
            )
    state = {
        "best_metric": None,
        "best_model_checkpoint": None,
        "epoch": 3.0,
        "eval_steps": 400,
        "global_step": 1200,
        "is_hyper_param_search": False,
        "is_local_process_zero": True,
        "is_world_process_zero": True,
        "log_history": history,
        "logging_steps": 10,
        "max_steps": 1200,
        "num_train_epochs": 3,
        "save_steps": 500,
        "total_flos": 1.2e17,
        "train_batch_size": 8,
        "trial_name": None,
        "trial_params": None,
    }
    return Log({"trainer_state.json": json.dumps(state, indent=2)}, Right((("schedule", "decreasing"),), ("schedule", "decreasing", "stopping_point"), read={"losses": 120, "validations": 3, "last_step": 1200}))  # fmt: skip


def korean_script_blows_up(rng: R) -> Log:
    """A script of one's own in Korean; from epoch 71 of 90 on the loss climbs to eleven times its best."""
    out, times = [], clock("2024-01-05 10:00:00", 31, rng, 100)
    rates = warm_linear(90, 8e-3, 80, 400)
    for e in range(1, 91):
        loss = (
            0.31
            + 1.4 * np.exp(-e / 12)
            + (0.19 * (e - 70) if e > 70 else 0) * rng.uniform(0.8, 1.2)
            + 0.012 * rng.standard_normal()
        )
        out.append(
            f"[{next(times):%Y-%m-%d %H:%M:%S}] {e}/90 에포크 - 손실: {loss:.4f} (검증 {loss + 0.05 + 0.02 * rng.standard_normal():.4f}), F1: {max(0.1, 0.9 - 0.2 * loss):.3f}, 학습률: {rates[e - 1]:.2e}, 남은 시간: 00:{(90 - e) // 2:02d}:11"
        )
    return Log({"학습.log": lines(out)}, Right((("divergence",),), ("divergence", "overfitting", "stopping_point", "stability", "spikes", "schedule", "decreasing"), {"convergence": "cannot_tell|not_applicable"}, {"losses": 90, "validations": 90, "last_step": 90}))  # fmt: skip


LOGS = (
    lightning_bars_overfit, keras_jumping_validation, yolo_console_healthy, language_model_blocks_never_recover, self_supervised_starved,
    segmentation_negative_dice, word_model_rate_quartered, scoring_history_overfit, many_agents_learn, grpo_kl_explodes, pasted_table_no_log,
    preferences_learned_by_heart, history_records_period_too_short, chat_ppo_reward_lines, speech_brain_overfit, splats_bar_healthy,
    old_speech_overfit, discriminator_has_won, state_with_rate_zero, korean_script_blows_up,
)  # fmt: skip
