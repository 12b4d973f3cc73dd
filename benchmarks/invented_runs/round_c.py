"""Twenty logs in the shapes that people paste when they ask what is wrong, to develop on; `round_d` holds the other half."""

# ruff: noqa: E501 - the lines of logs are as long as they are

import numpy as np
from invented_runs.shapes import Log, Right, clock, fall, heavy, lines, power, skewed, warm_linear

R = np.random.Generator


def whisper_words_get_worse(rng: R) -> Log:
    """The validation loss still comes down while the word error rate rises from 19 to 34: the first checkpoints are the best."""
    out, rates = (
        ["***** Running training *****", "  Num examples = 5600", "  Total optimization steps = 4000"],
        warm_linear(160, 1e-5, 20),
    )
    for i in range(160):
        loss = 0.06 + 0.75 * np.exp(-i / 30) + 0.01 * abs(rng.standard_normal())
        out.append(
            f"{{'loss': {loss:.4f}, 'grad_norm': {rng.lognormal(1, 0.3):.6f}, 'learning_rate': {rates[i]:.6e}, 'epoch': {(i + 1) * 25 / 350:.2f}}}"
        )
        if i % 10 == 9:
            k = i // 10
            wer = 19.2 + 4.0 * np.exp(-k) + 1.1 * max(0, k - 1) + 0.4 * rng.standard_normal()
            out.append(
                f"{{'eval_loss': {0.31 + 0.28 * np.exp(-k / 4) + 0.002 * rng.standard_normal():.6f}, 'eval_wer': {wer:.4f}, 'eval_runtime': 312.4{k}, 'eval_samples_per_second': 4.48, 'eval_steps_per_second': 0.56, 'epoch': {(i + 1) * 25 / 350:.2f}}}"
            )
    return Log({"train.out": lines(out)}, Right((("overfitting", "stopping_point"),), ("stopping_point", "overfitting"), {"decreasing": "ok", "schedule": "ok"}, {"losses": 160, "validations": 16}))  # fmt: skip


def encoder_zero_after_nan(rng: R) -> Log:
    """The gradient is NaN at first, and the loss 0.0 from the next line to the end."""
    out = []
    for i in range(90):
        dead = i >= 34
        loss = 0.0 if dead else 0.21 + 0.6 * np.exp(-i / 8) + 0.02 * rng.standard_normal()
        out.append(
            f"{{'loss': {loss:.4f}, 'grad_norm': {'nan' if i >= 33 else f'{rng.lognormal(0, 0.3):.9f}'}, 'learning_rate': {9.8e-06 * (1 - i / 3000)}, 'epoch': {0.45 + i / 400:.2f}}}"
        )
        if i % 30 == 10:
            out.append(
                f" {i * 2 // 6}%|{'█' * (i // 30)}         | {i * 20}/6000 [{i // 3:02d}:11<3:21:0{i % 10},  2.12s/it]"
            )
    return Log({"nohup.out": lines(out)}, Right((("finite", "decreasing", "divergence"),), ("finite", "decreasing", "divergence", "stability", "stopping_point"), {"convergence": "cannot_tell|not_applicable"}, {"losses": 90}))  # fmt: skip


def grpo_prints_zero_loss(rng: R) -> Log:
    """The loss of GRPO prints as 0.0 from the start, as it must; the reward rises. Healthy."""
    out = []
    for i in range(120):
        reward = 0.62 + 1.1 * (1 - np.exp(-i / 40)) + 0.12 * rng.standard_normal()
        out.append(
            f"{{'loss': 0.0, 'grad_norm': {rng.lognormal(-2.2, 0.2)!r}, 'learning_rate': {1e-6 * (1 - i / 120)!r}, 'completion_length': {232 + 0.5 * i + 12 * rng.standard_normal():.3f}, 'rewards/format_reward': {min(1, 0.6 + i / 200):.4f}, 'rewards/hint_reward': {reward - 0.7:.4f}, 'reward': {reward}, 'reward_std': {0.55 + 0.05 * rng.standard_normal()}, 'kl': {0.0005 + 0.00002 * i}, 'epoch': {0.01 * (i + 1):.2f}}}"
        )
    return Log({"grpo.log": lines(out)}, Right(may=("stopping_point", "convergence"), verdicts={"decreasing": "ok", "finite": "ok"}, read={"losses": 120, "maximised": 1}))  # fmt: skip


def grpo_groups_all_alike(rng: R) -> Log:
    """Every answer of a group earns the same: no advantage, no gradient, nothing is learned."""
    out = [
        f"{{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': {2e-6 * (1 - i / 80)}, 'num_tokens': {21000.0 * (i + 1)}, 'completions/mean_length': {701 + 20 * rng.standard_normal():.4f}, 'completions/clipped_ratio': 0.0, 'rewards/json_format_reward/mean': 2.0, 'rewards/json_format_reward/std': 0.0, 'rewards/answer_reward/mean': 0.0, 'rewards/answer_reward/std': 0.0, 'reward': 2.0, 'reward_std': 0.0, 'frac_reward_zero_std': 1.0, 'clip_ratio/low_mean': 0.0, 'clip_ratio/high_mean': 0.0, 'epoch': {0.01 * (i + 1):.2f}}}"
        for i in range(80)
    ]
    return Log({"run.log": lines(out)}, Right((("stability", "decreasing"),), ("stability", "decreasing", "finite", "stopping_point"), read={"losses": 80}))  # fmt: skip


def translation_scale_runs_out(rng: R) -> Log:
    """From epoch 26 on the loss rises, in training and on the held-out part; then the loss scale ends the run."""
    out, best = [], 99.0
    for e in range(1, 31):
        loss = 3.9 + 6.5 * np.exp(-e / 4) + (0.55 * (e - 25) ** 1.3 if e > 25 else 0) + 0.01 * rng.standard_normal()
        held = loss + 0.6 + (0.3 * (e - 25) if e > 25 else 0)
        best = min(best, held)
        out += [
            f"| epoch {e:03d} | loss {loss:.3f} | nll_loss {loss - 1.4:.3f} | ppl {2 ** (loss - 1.4):.2f} | wps 164{rng.integers(100, 999)} | ups 0.4 | wpb 364096 | bsz 11907 | num_updates {378 * e} | lr {7e-4 * min(1, (10 / e) ** 0.5):.6g} | gnorm {0.39 + (0.3 * (e - 25) if e > 25 else 0):.3f} | clip 0% | oom 0 | loss_scale {max(0.0001, 0.5 ** max(0, e - 24)):.3f} | wall {770 * e} | train_wall {713 * e}",
            f"| epoch {e:03d} | valid on 'valid' subset | valid_loss {held:.5f} | valid_nll_loss {held - 1.2:.5f} | valid_ppl {2 ** (held - 1.2):.2f} | num_updates {378 * e} | best {best:.5f}",
        ]
        out += [
            f"| WARNING: overflow detected, setting loss scale to: {0.5 ** (k + e - 24)}" for k in range(3) if e > 24
        ]
    out += [
        "Traceback (most recent call last):",
        '  File "train.py", line 352, in <module>',
        "FloatingPointError: Minimum loss scale reached (0.0001). Your loss is probably exploding.",
    ]
    return Log({"nmt.log": lines(out)}, Right((("divergence",),), ("decreasing", "stopping_point", "overfitting", "spikes", "finite", "stability"), {"convergence": "cannot_tell|not_applicable"}, {"losses": 30, "validations": 30, "last_step": 11340}))  # fmt: skip


def graph_network_falls_to_chance(rng: R) -> Log:
    """At epoch 130 of 220 the accuracy falls to .5000 and the loss is that of guessing from then on."""
    out, best, times = [], 0.0, clock("2024-11-12 15:46:00", 2.6, rng, 221)
    for e in range(221):
        broken = e >= 130
        loss = (
            (1.05 + 0.25 * rng.standard_normal())
            if broken
            else 0.18 + 0.52 * np.exp(-e / 25) + 0.015 * rng.standard_normal()
        )
        acc = [0.5] * 3 if broken else [0.92 - 0.4 * np.exp(-e / 20) + 0.01 * rng.standard_normal() for _ in range(3)]
        best = max(best, acc[2])
        out.append(
            f"I1112 {next(times):%H:%M:%S}.{rng.integers(100000, 999999)} 140547172456256 train.py:23] epoch {e} best test acc: {best:.4f}, train loss: {abs(loss):.4f}; train acc: {acc[0]:.4f} val acc: {acc[1]:.4f} test acc: {acc[2]:.4f}"
        )
    return Log({"node.log": lines(out)}, Right((("divergence",),), ("decreasing", "stability", "spikes", "overfitting", "stopping_point"), {"convergence": "cannot_tell|not_applicable"}, {"losses": 221, "last_step": 220}))  # fmt: skip


def adaptation_forgets_the_target(rng: R) -> Log:
    """The source is learned by heart (100 %) while the accuracy on the held-out target falls from 68 to 45 %."""
    out, times = [], clock("2024-04-18 09:17:40", 0.9, rng, 100)
    for e in range(1, 101):
        target = 45 + 23 * np.exp(-(((e - 8) / 28) ** 2)) * (1 if e > 8 else 0.6 + e / 20) + 2.2 * rng.standard_normal()
        out.append(
            f"{next(times):%Y-%m-%d %H:%M:%S} | Epoch: {e:3d}/100, loss_cls: {0.04 + 1.5 * np.exp(-e / 9) + 0.008 * abs(rng.standard_normal()):.4f}, loss: {0.2 + 1.8 * np.exp(-e / 9) + 0.08 * abs(rng.standard_normal()):.4f}, source_train_acc: {min(100, 60 + 5 * e):.2f}%, target_train_acc: {target + 3 * rng.standard_normal():.2f}%, target_val_acc: {target:.2f}%"
        )
    return Log({"tl.log": lines(out)}, Right((("overfitting", "stopping_point"),), ("overfitting", "stopping_point"), {"decreasing": "ok", "divergence": "ok"}, {"losses": 100, "last_step": 100}))  # fmt: skip


def reasoning_printed_series(rng: R) -> Log:
    """A printed pandas Series per epoch; the loss stands at ln 4 and the accuracy at a quarter from the second epoch on."""
    out = ["Loading fold 0", "    THE PARAMETERS", "----------", "  1000,   300 : (detector.weight)"]
    for e in range(20):
        loss = 1.3562 if e == 0 else 1.3863 + 0.00004 * rng.standard_normal()
        out += [
            f"TRAIN EPOCH {e:2d}:",
            f"loss             {loss:.6f}",
            f"crl              {0.14 * 0.7**e:.6f}",
            f"accuracy         {0.31 if e == 0 else 0.25 + 0.001 * rng.standard_normal():.6f}",
            f"sec_per_batch    {1.7 + 0.3 * rng.random():.6f}",
            f"hr_per_epoch     {1.1 + 0.1 * rng.random():.6f}",
            "dtype: float64",
            "",
        ]
        if e % 4 == 2:
            out.append(f"Epoch  {e:4d}: reducing learning rate of group 0 to {2e-4 / 2 ** (e // 4 + 1):.4e}.")
        out += [
            f"Val epoch {e} has acc 0.249 and loss 1.386",
            *(["Best validation performance so far. Copying weights to 'saves/a/best.th'."] if e == 0 else []),
            "",
        ]
    return Log({"slurm-812.out": lines(out)}, Right((("decreasing",),), ("decreasing", "stopping_point", "divergence"), read={"losses": 20, "validations": 20, "last_step": 19}))  # fmt: skip


def keras_one_plateau_callbacks(rng: R) -> Log:
    """Old bars with `us/sample`, callbacks between; the held-out loss stands still while the training loss creeps down. No rise."""
    out = ["Train on 405 samples, validate on 45 samples"]
    best, since, rate = 9.9, 0, 1e-3
    for e in range(1, 181):
        held = 0.267 + 0.55 * np.exp(-e / 14) + 0.008 * rng.standard_normal()
        loss = 0.085 + 0.1 * np.exp(-e / 90) + 0.6 * np.exp(-e / 12) + 0.004 * rng.standard_normal()
        out += [f"Epoch {e}/5000", f"320/405 [======================>.......] - ETA: 0s - loss: {loss + 0.01:.4f}"]
        if held < best:
            out.append(
                f"Epoch {e:05d}: val_loss improved from {best:.5f} to {held:.5f}, saving model to out/weights.hdf5"
            )
            best, since = held, 0
        else:
            since += 1
            out.append(f"Epoch {e:05d}: val_loss did not improve from {best:.5f}")
            if since % 25 == 24:
                rate /= 2
                out += ["", f"Epoch {e:05d}: ReduceLROnPlateau reducing learning rate to {rate!r}."]
        out.append(
            f"405/405 [==============================] - 0s 72{rng.integers(0, 9)}us/sample - loss: {loss:.4f} - val_loss: {held:.4f}"
        )
    out.append("Epoch 00180: early stopping")
    return Log({"console.txt": lines(out)}, Right(may=("stopping_point", "convergence"), verdicts={"decreasing": "ok", "overfitting": "ok|cannot_tell", "divergence": "ok"}, read={"validations": 180}))  # fmt: skip


def dialogue_wide_table(rng: R) -> Log:
    """A line of names above a line of numbers without leading zeros, again and again; the held-out part in the same table. Healthy."""
    out, loss = ["10:00:01 | building dictionary first...", "10:00:03 | training..."], power(80, 6.2, 2.3, 0.55)
    for i in range(80):
        now = loss[i] + 0.02 * rng.standard_normal()
        out += [
            f"10:{i // 2:02d}:{30 * (i % 2):02d} | time:{30 * (i + 1)}s total_exs:{6400 * (i + 1)} total_steps:{100 * (i + 1)} epochs:{0.05 * (i + 1):.2f} time_left:{30 * (79 - i)}s",
            "    clen  clip  ctpb  ctps  ctrunc  exps  exs  gnorm  gpu_mem   loss     lr  ltpb  ltps   ppl  token_acc  total_train_updates  tpb   tps   ups",
            f"   {120 + rng.random():.1f}     1  7720  {25000 + rng.integers(0, 900)}       0 213.1 6400  {rng.lognormal(0, 0.2):.3f}    .4121  {now:.3f}  1e-05  1512  5021 {np.exp(now):.2f}      {str(round(0.62 - 0.08 * now, 4))[1:]}                  {100 * (i + 1)} 9232 30120 3.331",
            "",
        ]
        if i % 10 == 9:
            out += [
                f"10:{i // 2:02d}:45 | running eval: valid",
                f"10:{i // 2:02d}:59 | eval completed in 13.21s",
                f"10:{i // 2:02d}:59 | \x1b[1mvalid:",
                "    ctpb  ctps  exps  exs  gpu_mem   loss     lr  ltpb  ltps   ppl  token_acc  total_train_updates",
                f"    3210  8120  71.2  980    .2211  {now + 0.06:.3f}  1e-05   612  1512 {np.exp(now + 0.06):.2f}      {str(round(0.61 - 0.08 * now, 4))[1:]}                  {100 * (i + 1)}\x1b[0m",
                "",
            ]
    return Log({"parley.log": lines(out)}, Right(may=("stopping_point", "convergence"), verdicts={"decreasing": "ok", "divergence": "ok", "overfitting": "ok|cannot_tell"}, read={"losses": 80, "validations": 8, "last_step": 8000}))  # fmt: skip


def pose_at_half_of_its_plan(rng: R) -> Log:
    """`total_grad_norm: N/A`, values with means in brackets, `iter: 50699/102400[49.5%]`: a run that is still going on."""
    out, times, mean = [], clock("2023-10-23 08:00:00", 105, rng, 200), 0.0
    for i in range(120):
        total = 2.1 + 14 * np.exp(-i / 25) + 0.12 * rng.standard_normal()
        mean = total if i == 0 else (mean * i + total) / (i + 1)
        s = 100 * i + 99
        out.append(
            f"{next(times):%Y%m%d_%H%M%S}|core.utils.my_writer@171: eta: 1:{59 - i // 3:02d}:46 iter: {s}/24000[{100 * s / 24000:.1f}%] time: 1.05{rng.integers(10, 99)}   lr: 1.0000e-04  max_mem: 3611M total_grad_norm: N/A total_loss: {total:.4e} ({mean:.4e})  loss_coor_x: {0.1 * total:.4e} ({0.1 * mean:.4e})  loss_mask: {0.2 * total:.4e} ({0.2 * mean:.4e})  loss_region: {0.7 * total:.4e} ({0.7 * mean:.4e})"
        )
    return Log({"gdr.log": lines(out)}, Right(may=("convergence", "restarts"), verdicts={"decreasing": "ok", "divergence": "ok", "finite": "ok"}, read={"losses": 120, "last_step": 11999}))  # fmt: skip


def masked_images_mean_of_norm_nan(rng: R) -> Log:
    """One overflow of mixed precision has made the running mean of the gradient norm nan for the whole epoch; the norm itself is fine."""
    out = []
    for e in range(30):
        for b in (0, 400, 800, 1298):
            x = e + b / 1299
            loss, scale = 6.1 + 2.6 * np.exp(-x / 6) + 0.02 * rng.standard_normal(), 8192.0
            norm = "nan" if e >= 3 else f"{0.41:.4f}"
            out.append(
                f"Epoch: [{e}]  [{b:4d}/1299]  eta: 0:{10 - b // 130:02d}:11  lr: {0.0015 * min(1, (x + 0.01) / 5):.6f}  min_lr: {0.0015 * min(1, (x + 0.01) / 5):.6f}  mlm_acc: {0.033 + 0.004 * x:.4f} ({0.033 + 0.004 * x:.4f})  loss: {loss:.4f} ({loss + 0.01:.4f})  loss_scale: {scale:.4f} (8646.0600)  weight_decay: 0.0500 (0.0500)  grad_norm: {rng.lognormal(-0.9, 0.1):.4f} ({norm})  time: 0.4944  data: 0.0001  max mem: 19152"
            )
        out += [
            f"Epoch: [{e}] Total time: 0:10:42 (0.4947 s / it)",
            f"Averaged stats: lr: {0.0015 * min(1, (e + 1) / 5):.6f}  min_lr: {0.0015 * min(1, (e + 1) / 5):.6f}  mlm_acc: {0.033 + 0.004 * e:.4f} ({0.0345 + 0.004 * e:.4f})  loss: {6.1 + 2.6 * np.exp(-(e + 0.7) / 6):.4f} ({6.1 + 2.6 * np.exp(-(e + 0.5) / 6):.4f})  loss_scale: 8192.0000 (8646.0600)  weight_decay: 0.0500 (0.0500)  grad_norm: 0.3922 (nan)",
        ]
    return Log(
        {"beit.out": lines(out)},
        Right(may=("convergence",), verdicts={"decreasing": "ok", "finite": "ok", "divergence": "ok"}),
    )


def animation_loader_stops(rng: R) -> Log:
    """Four steps of .65 s, then one that waits 20 s for its data: nine tenths of the time are lost."""
    out = []
    for i in range(300):
        wait = 18.5 + 2 * rng.random() if i % 4 == 3 else 0.0001 + 0.0002 * rng.random()
        loss = 0.041 + 0.09 * np.exp(-i / 60) + 0.006 * skewed(rng, 1)[0]
        out.append(
            f"INFO:train_stage_1: step {i + 1}/30000 step_loss: {loss:.5f} lr: 1e-05 load_data_time: {wait:.4f}, train_step_time: {0.65 + 0.02 * rng.standard_normal():.3f}"
        )
    return Log({"stage1.log": lines(out)}, Right((("throughput",),), ("throughput", "convergence", "restarts"), {"decreasing": "ok"}, {"losses": 300, "last_step": 300}))  # fmt: skip


def voices_four_ranks_nan(rng: R) -> Log:
    """Four ranks write a line each; from batch 5,200 on all are nan."""
    out, times = [], clock("2025-02-20 00:00:00", 6, rng, 400)
    for i in range(100):
        at = next(times)
        for rank in (0, 3, 1, 2):
            loss = 1.05 + 2.2 * np.exp(-i / 20) + 0.05 * rng.standard_normal()
            bad = i >= 52
            out.append(
                f"{at:%Y-%m-%d %H:%M:%S},{777 + rank} DEBUG TRAIN Batch {i // 50}/{100 * (i % 50 + 1)} loss {'nan' if bad else f'{loss:.6f}'} lr {0.00001 * (i + 1):.8f} grad_norm {'nan' if bad else f'{rng.lognormal(0, 0.3):.6f}'} rank {rank}"
            )
    return Log({"flow.log": lines(out)}, Right((("finite",),), ("finite", "divergence", "decreasing", "stability", "stopping_point", "schedule"), {"convergence": "cannot_tell|not_applicable"}, {}))  # fmt: skip


def trees_cli_overfit(rng: R) -> Log:
    """The command line's lines, one per data set and metric; the held-out loss turns at 120 of 800 trees."""
    out = [
        "[LightGBM] [Info] Finished loading parameters",
        "[LightGBM] [Warning] Auto-choosing row-wise multi-threading, the overhead of testing was 0.001 seconds.",
        "[LightGBM] [Info] Start training from score -1.1021",
    ]
    for i in range(10, 801, 10):
        train, held = (
            0.02 + 0.6 * np.exp(-i / 160),
            0.412 + 0.26 * np.exp(-i / 45) + 0.00022 * max(0, i - 120) + 0.0008 * rng.standard_normal(),
        )
        out += [
            f"[LightGBM] [Info] Iteration:{i}, training binary_logloss : {train:.6f}",
            f"[LightGBM] [Info] Iteration:{i}, training auc : {1 - 0.25 * train:.6f}",
            f"[LightGBM] [Info] Iteration:{i}, valid_1 binary_logloss : {held:.6f}",
            f"[LightGBM] [Info] Iteration:{i}, valid_1 auc : {0.93 - 0.2 * held:.6f}",
            f"[LightGBM] [Info] {0.031 * i:.6f} seconds elapsed, finished iteration {i}",
        ]
    return Log({"lgb.txt": lines(out)}, Right((("overfitting",),), ("overfitting", "stopping_point"), {"decreasing": "ok"}, {"losses": 80, "validations": 80, "last_step": 800}))  # fmt: skip


def walker_reward_drops(rng: R) -> Log:
    """Boxes of a reinforcement learning run: 227 after a third of the run, then minus 90, and it stays there."""
    out = ["Using cuda device", "Wrapping the env with a `Monitor` wrapper", "Wrapping the env in a DummyVecEnv."]
    for i in range(1, 161):
        reward = -60 + 290 * (1 - np.exp(-i / 20)) if i < 70 else -90 + 200 * np.exp(-(i - 70) / 4)
        rows = [
            ("rollout/", ""),
            ("   ep_len_mean", f"{300 + rng.integers(0, 90)}"),
            ("   ep_rew_mean", f"{reward + 9 * rng.standard_normal():.3g}"),
            ("time/", ""),
            ("   fps", "631"),
            ("   iterations", f"{i}"),
            ("   time_elapsed", f"{32 * i}"),
            ("   total_timesteps", f"{24576 * i}"),
            ("train/", ""),
            ("   approx_kl", f"{0.07 + 0.02 * rng.random():.8f}"),
            ("   clip_fraction", f"{0.59:.3g}"),
            ("   clip_range", "0.2"),
            ("   entropy_loss", f"{-3.6 + i / 100:.3g}"),
            ("   explained_variance", "0.944"),
            ("   learning_rate", "0.0003"),
            ("   loss", f"{0.09 * rng.standard_normal():.3g}"),
            ("   n_updates", f"{10 * i}"),
            ("   policy_gradient_loss", f"{-0.1 + 0.01 * rng.standard_normal():.3g}"),
            ("   value_loss", f"{abs(0.7 + 0.1 * rng.standard_normal()):.3g}"),
        ]
        out += ["-" * 40, *(f"| {a:<23s}| {b:<11s}|" for a, b in rows), "-" * 40]
    return Log({"ppo.txt": lines(out)}, Right((("divergence",),), ("divergence", "decreasing", "stability", "overfitting", "stopping_point"), read={"losses": 160, "maximised": 1, "last_step": 24576 * 160}))  # fmt: skip


def cheetah_boxed_epochs(rng: R) -> Log:
    """A box per epoch, names right-aligned; the return of the test episodes rises. Healthy."""
    out = ["\x1b[32;1mLogging data to data/td3/progress.txt\x1b[0m"]
    for e in range(1, 101):
        ret = -300 + 6800 * (1 - np.exp(-e / 30)) + 160 * rng.standard_normal()
        rows = [
            ("Epoch", f"{e}"),
            ("AverageEpRet", f"{ret:.3g}"),
            ("StdEpRet", f"{120 + 30 * rng.random():.3g}"),
            ("MaxEpRet", f"{ret + 200:.3g}"),
            ("MinEpRet", f"{ret - 220:.3g}"),
            ("AverageTestEpRet", f"{ret + 90 * rng.standard_normal():.3g}"),
            ("EpLen", "1e+03"),
            ("TotalEnvInteracts", f"{4000 * e:.3g}"),
            ("AverageQ1Vals", f"{ret / 12:.3g}"),
            ("LossPi", f"{-ret / 12:.3g}"),
            ("LossQ", f"{9 + 3 * rng.random():.3g}"),
            ("Time", f"{41 * e:.3g}"),
        ]
        out += ["-" * 39, *(f"| {a:>17s} | {b:>15s} |" for a, b in rows), "-" * 39]
    return Log({"td3.txt": lines(out)}, Right(may=("stopping_point", "convergence"), verdicts={"decreasing": "ok", "divergence": "ok"}, read={"losses": 100, "maximised": 1, "last_step": 400_000}))  # fmt: skip


def flax_bars_and_steps(rng: R) -> Log:
    """Bars, `Step... (500 | Loss: …, Learning Rate: …)` and the same words for the held-out part. Healthy."""
    out, loss, rates = [], power(100, 9.4, 2.6, 0.5), warm_linear(100, 3e-4, 10)
    for i in range(100):
        now = loss[i] + 0.02 * rng.standard_normal()
        out += [
            f"Epoch ... (1/3): {i // 34 * 33:3d}%|{'█' * (i // 34)}   | {i // 34}/3 [1:02:11<2:04:22, 3731.2s/it]",
            f"Step... ({500 * (i + 1)} | Loss: {now:.12g}, Learning Rate: {rates[i]:.12g})",
        ]
        if i % 8 == 7:
            out += [
                f"Evaluating ...: 100%|██████████| 51/51 [00:11<00:00,  4.41it/s]\rStep... ({500 * (i + 1)} | Loss: {now + 0.04:.12g}, Acc: {0.75 - 0.06 * now:.12g})"
            ]
    return Log({"mlm.log": lines(out)}, Right(may=("stopping_point", "convergence"), verdicts={"decreasing": "ok", "schedule": "ok", "divergence": "ok"}, read={"losses": 100, "validations": 12, "last_step": 50000}))  # fmt: skip


def chinese_stuck_at_guessing(rng: R) -> Log:
    """A script of one's own in Chinese: the loss stands at ln 2 and the accuracy at a half for all of 60 rounds."""
    out = ["开始训练，共 60 轮，设备：cuda:0", "训练样本 12000，验证样本 1500"]
    for e in range(1, 61):
        loss = 0.6931 + 0.0009 * heavy(rng, 1)[0] + (0.02 if e == 1 else 0)
        out += [
            f"第 {e}/60 轮，训练损失：{loss:.4f}，训练准确率：{50 + 0.4 * rng.standard_normal():.2f}%，用时：{41 + rng.random():.1f} 秒",
            f"    验证损失：{0.6931 + 0.0004 * rng.standard_normal():.4f}，验证准确率：{50 + 0.3 * rng.standard_normal():.2f}%",
        ]
    return Log({"训练日志.txt": lines(out)}, Right((("decreasing",),), ("decreasing", "stopping_point"), read={"losses": 60, "validations": 60, "last_step": 60}))  # fmt: skip


def regression_script_converged(rng: R) -> Log:
    """The plainest script: a line per epoch, a constant rate; nothing has moved in the second half."""
    out = ["torch.Size([4096, 12])", "Using device: cpu"]
    for e, loss in enumerate(fall(200, 3.1, 0.274, 0.06), 1):
        out.append(f"Epoch [{e}/200], Loss: {loss + 0.0025 * rng.standard_normal():.4f}")
    out += ["Training complete", "MSE on test: 0.2811"]
    return Log({"out.txt": lines(out)}, Right(verdicts={"decreasing": "ok", "convergence": "ok", "divergence": "ok", "spikes": "ok", "stopping_point": "ok|cannot_tell|not_applicable"}, read={"losses": 200, "last_step": 200}))  # fmt: skip


LOGS = (
    whisper_words_get_worse, encoder_zero_after_nan, grpo_prints_zero_loss, grpo_groups_all_alike, translation_scale_runs_out,
    graph_network_falls_to_chance, adaptation_forgets_the_target, reasoning_printed_series, keras_one_plateau_callbacks,
    dialogue_wide_table, pose_at_half_of_its_plan, masked_images_mean_of_norm_nan, animation_loader_stops, voices_four_ranks_nan,
    trees_cli_overfit, walker_reward_drops, cheetah_boxed_epochs, flax_bars_and_steps, chinese_stuck_at_guessing, regression_script_converged,
)  # fmt: skip
