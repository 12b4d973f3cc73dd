"""Twenty logs to develop the judge on, written before its rules were looked at."""

# ruff: noqa: E501, PERF401 - the lines of logs are as long as they are

import json

import numpy as np
from invented_runs.shapes import (
    Log,
    Right,
    clock,
    lines,
    power,
    remembering,
    skewed,
    warm_cosine,
    warm_linear,
)

R = np.random.Generator


def transformers_console_overfit(rng: R) -> Log:
    """Three passes over a small set: the loss is a staircase and the validation loss turns in the second."""
    out, rates = [], warm_linear(300, 2e-5, 15)
    held = [1.31, 1.22, 1.18, 1.19, 1.17, 1.24, 1.31, 1.33, 1.36, 1.47, 1.56, 1.60]
    for i in range(300):
        epoch = i // 100
        loss = (1.35, 0.92, 0.48)[epoch] - 0.0006 * (i % 100) + 0.06 * rng.standard_normal() + 0.6 * np.exp(-i / 12)
        row = {"loss": round(loss, 4), "grad_norm": round(float(rng.lognormal(0.4, 0.3)), 6),
               "learning_rate": float(f"{rates[i]:.9g}"), "epoch": round((i + 1) / 100, 2)}  # fmt: skip
        out.append(str({k: str(v) for k, v in row.items()}))
        if (i + 1) % 25 == 0:
            out.append(str({"eval_loss": str(held[(i + 1) // 25 - 1]), "eval_runtime": "4.1022",
                            "eval_samples_per_second": "48.75", "epoch": str(round((i + 1) / 100, 2))}))  # fmt: skip
    out.append("{'train_runtime': '912.4', 'train_samples_per_second': '5.26', 'train_loss': '0.9312', 'epoch': '3'}")
    return Log({"console.log": lines(out)}, Right((("overfitting",),), ("stopping_point",), read={"validations": 12}))


def trainer_state_healthy(rng: R) -> Log:
    n = 400
    loss, rates = power(n, 10.8, 2.6, 0.45) + 0.05 * remembering(rng, n, 0.3), warm_linear(n, 6e-4, 20)
    history = []
    for i in range(n):
        step = 10 * (i + 1)
        history.append({"epoch": step / 4000, "grad_norm": float(rng.lognormal(-0.5, 0.25)),
                        "learning_rate": float(rates[i]), "loss": round(float(loss[i]), 4), "step": step})  # fmt: skip
        if (i + 1) % 40 == 0:
            history.append({"epoch": step / 4000, "eval_loss": float(loss[i - 20 : i + 1].mean() + 0.04), "step": step,
                            "eval_runtime": 12.1, "eval_samples_per_second": 80.2, "eval_steps_per_second": 10.1})  # fmt: skip
    state = {"best_metric": None, "epoch": 1.0, "eval_steps": 400, "global_step": 4000, "is_hyper_param_search": False,
             "log_history": history, "logging_steps": 10, "max_steps": 4000, "num_train_epochs": 1,
             "train_batch_size": 8, "total_flos": 1.1e17}  # fmt: skip
    return Log(
        {"trainer_state.json": json.dumps(state, indent=2)},
        Right(verdicts={"decreasing": "ok", "schedule": "ok", "overfitting": "ok|cannot_tell"},
              read={"losses": n, "validations": 10, "last_step": 4000}),
    )  # fmt: skip


def trl_dpo_healthy(rng: R) -> Log:
    """The loss begins at ln 2 and falls while margins and accuracies rise; log-probabilities drift down as they do."""
    n, out = 150, []
    margin = 1.6 * (1 - np.exp(-np.arange(n) / 45))
    rates = warm_cosine(n, 5e-7, 15)
    for i in range(n):
        m = margin[i] + 0.12 * rng.standard_normal()
        row = {"loss": round(float(np.log1p(np.exp(-m)) + 0.02 * rng.standard_normal()), 4),
               "grad_norm": float(rng.lognormal(2.6, 0.2)), "learning_rate": float(rates[i]),
               "rewards/chosen": float(0.2 * m - 0.3 * i / n), "rewards/rejected": float(-0.8 * m - 0.3 * i / n),
               "rewards/accuracies": float(np.clip(0.5 + 0.3 * m / 1.6 + 0.05 * rng.standard_normal(), 0, 1)),
               "rewards/margins": float(m), "logps/chosen": float(-250 - 20 * m + 12 * rng.standard_normal()),
               "logps/rejected": float(-240 - 60 * m + 12 * rng.standard_normal()),
               "logits/chosen": float(-2.1 + 0.05 * rng.standard_normal()),
               "logits/rejected": float(-2.0 + 0.05 * rng.standard_normal()), "epoch": round((i + 1) / n, 2)}  # fmt: skip
        out.append(str(row))
    return Log(
        {"dpo.log": lines(out)}, Right(verdicts={"decreasing": "ok"}, may=(), read={"losses": n, "maximised": 0})
    )


def trl_grpo_kl_runs_away(rng: R) -> Log:
    """The reward rises, then the policy leaves the reference: KL from .05 to 40, completions at their limit, reward 0."""
    n, out = 300, []
    for i in range(n):
        late = max(0.0, (i - 190) / 20)
        reward = (0.2 + 0.9 * (1 - np.exp(-i / 60))) * np.exp(-late) + 0.06 * rng.standard_normal()
        kl = 0.05 * np.exp(min(6.6, 1.2 * late)) * rng.lognormal(0, 0.3)
        row = {"loss": round(float(0.04 * kl), 4), "grad_norm": round(float(rng.lognormal(-1 + late / 2, 0.5)), 4),
               "learning_rate": 1e-06, "num_tokens": 4096.0 * (i + 1),
               "completions/mean_length": float(min(512, 180 + 120 * late + 9 * rng.standard_normal())),
               "completions/clipped_ratio": float(np.clip(0.02 + 0.3 * late, 0, 1)), "reward": float(reward),
               "reward_std": float(abs(0.4 * np.exp(-late) + 0.05 * rng.standard_normal())),
               "frac_reward_zero_std": float(np.clip(0.05 + 0.2 * late, 0, 1)), "kl": float(kl),
               "entropy": float(max(0.02, 0.6 * np.exp(-late / 2))), "epoch": round(i / n, 3)}  # fmt: skip
        out.append(str(row))
    return Log(
        {"grpo.log": lines(out)},
        Right((("divergence",),), ("stability", "stopping_point", "spikes"), read={"maximised": 1}),
    )


def lightning_csv_diverges(rng: R) -> Log:
    """The loss falls for 3,000 steps, jumps about more and more, and goes to four times where it began to learn."""
    rows = ["epoch,lr-Adam,step,train_acc,train_loss_epoch,train_loss_step,val_acc,val_loss"]
    for i in range(0, 6000, 20):
        late = max(0.0, (i - 3000) / 600)
        loss = (
            2.3 * np.exp(-i / 900) + 0.35 + (0.04 + 0.1 * late) * abs(rng.standard_normal()) + 1.6 * (1 - np.exp(-late))
        )
        rows.append(f"{i // 600},,{i + 19},,,{loss:.16g},,")
        rows.append(f",0.003,{i + 19},,,,,")
        if (i + 20) % 600 == 0:
            rows.append(f"{i // 600},,{i + 19},,,,{max(0.1, 0.85 - 0.12 * late):.4f},{loss * 1.05 + 0.02:.6f}")
            rows.append(f"{i // 600},,{i + 19},{max(0.1, 0.86 - 0.12 * late):.4f},{loss:.6f},,,")
    return Log(
        {"lightning_logs/version_0/metrics.csv": lines(rows), "lightning_logs/version_0/hparams.yaml": "lr: 0.003\n"},
        Right((("divergence",),), ("stability", "spikes", "overfitting", "stopping_point", "decreasing"),
              read={"losses": 300, "validations": 10}),
    )  # fmt: skip


def keras_console_plateau(rng: R) -> Log:
    """ReduceLROnPlateau has done its work: flat at the end, nothing to complain of."""
    out = []
    rate = 1e-3
    for epoch in range(1, 61):
        if epoch in (30, 42, 54):
            rate *= 0.2
        a = (
            0.32
            + 1.1 * np.exp(-epoch / 5)
            + (0.02 if epoch < 30 else 0.004) * rng.standard_normal()
            - (0.03 if epoch >= 30 else 0)
        )
        v = (
            0.36
            + 1.0 * np.exp(-epoch / 5)
            + (0.03 if epoch < 30 else 0.006) * rng.standard_normal()
            - (0.03 if epoch >= 30 else 0)
        )
        out.append(f"Epoch {epoch}/60")
        for done in (1, 120, 313):
            out.append(f"\x1b[1m{done}/313\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m2s\x1b[0m 6ms/step - "
                       f"accuracy: {1 - a / 3:.4f} - loss: {a + (313 - done) / 4000:.4f}")  # fmt: skip
        out[-1] += f" - val_accuracy: {1 - v / 3:.4f} - val_loss: {v:.4f} - learning_rate: {rate:.4e}"
        if epoch in (29, 41, 53):
            out.append(f"Epoch {epoch}: ReduceLROnPlateau reducing learning rate to {rate * 0.2:.10g}.")
    return Log(
        {"train.out": lines(out)},
        Right(verdicts={"decreasing": "ok", "overfitting": "ok"}, may=("stopping_point",), read={"validations": 60}),
    )


def ultralytics_overfit(rng: R) -> Log:
    """Box, class and DFL losses on the held-out images turn at epoch 40; mAP sinks after it."""
    names = ("epoch", "time", "train/box_loss", "train/cls_loss", "train/dfl_loss", "metrics/precision(B)",
             "metrics/recall(B)", "metrics/mAP50(B)", "metrics/mAP50-95(B)", "val/box_loss", "val/cls_loss",
             "val/dfl_loss", "lr/pg0", "lr/pg1", "lr/pg2")  # fmt: skip
    rows = [",".join(names)]
    for e in range(1, 121):
        f, late = np.exp(-e / 25), max(0.0, (e - 40) / 80)
        rate = 0.01 * (1 - 0.99 * e / 120)
        m = 0.62 * (1 - np.exp(-e / 12)) - 0.11 * late + 0.006 * rng.standard_normal()
        values = [0.7 + 1.1 * f - 0.25 * late, 0.5 + 2.5 * f - 0.3 * late, 1.0 + 0.6 * f - 0.08 * late,
                  m + 0.15, m + 0.05, m + 0.08, m, 1.15 + 0.8 * f + 0.22 * late, 0.9 + 2.0 * f + 0.75 * late,
                  1.25 + 0.5 * f + 0.2 * late]  # fmt: skip
        noisy = [v + 0.008 * rng.standard_normal() for v in values]
        rows.append(",".join([str(e), f"{41.3 * e:.3f}", *(f"{v:.5f}" for v in noisy), *[f"{rate:.6g}"] * 3]))
    return Log({"runs/detect/train/results.csv": lines(rows)}, Right((("overfitting",),), ("stopping_point",),
               read={"validations": 120, "last_step": 120}))  # fmt: skip


def mmengine_t_max_short(rng: R) -> Log:
    """A cosine of 60 epochs in a run of 100: the rate is at its top again when the run ends."""
    rows = []
    for epoch in range(1, 101):
        for it in (50, 100):
            done = (epoch - 1 + it / 100) / 60
            rate = 1e-5 + 0.5 * (0.01 - 1e-5) * (1 + np.cos(np.pi * done))
            loss = 0.4 + 2.2 * np.exp(-epoch / 14) + 18 * max(0, rate - 0.006) * (epoch > 60) + 0.05 * skewed(rng, 1)[0]
            rows.append(json.dumps({"lr": rate, "data_time": 0.011, "grad_norm": float(rng.lognormal(0.7, 0.2)),
                        "loss": float(loss), "loss_cls": float(0.6 * loss), "loss_bbox": float(0.4 * loss), "time": 0.412,
                        "epoch": epoch, "iter": 100 * (epoch - 1) + it, "memory": 9120, "step": 100 * (epoch - 1) + it}))  # fmt: skip
        if epoch % 10 == 0:
            rows.append(json.dumps({"coco/bbox_mAP": 0.38 - 0.2 * max(0.0, rate - 0.006) * 30 - 0.3 * np.exp(-epoch / 14),
                        "coco/bbox_mAP_50": 0.55, "data_time": 0.01, "time": 0.06, "step": epoch}))  # fmt: skip
    return Log(
        {"work_dirs/atss/20240105_090000/vis_data/scalars.json": lines(rows)},
        Right((("schedule",),), ("divergence", "stopping_point", "overfitting", "convergence"), read={"losses": 200}),
    )


def detectron2_infinite(rng: R) -> Log:
    """total_loss goes to infinity in the last hundreds of iterations."""
    rows = []
    for i in range(19, 4000, 20):
        loss = 1.1 + 2.6 * np.exp(-i / 500) + 0.12 * skewed(rng, 1)[0]
        loss = loss * np.exp(max(0, (i - 3600) / 40))
        total = float("inf") if i > 3900 else float(loss)
        rows.append(json.dumps({"data_time": 0.004, "eta_seconds": 0.31 * (9000 - i), "fast_rcnn/cls_accuracy": 0.94,
                    "iteration": i, "loss_box_reg": total / 3 if i <= 3900 else float("nan"), "loss_cls": total / 3,
                    "loss_rpn_cls": total / 6, "loss_rpn_loc": total / 6, "lr": min(0.02, 0.02 * (i + 1) / 1000),
                    "time": 0.31, "total_loss": total}))  # fmt: skip
    return Log({"output/metrics.json": lines(rows)}, Right((("finite",),), ("divergence", "spikes", "stability", "decreasing",
               "schedule", "restarts", "stopping_point"), read={"losses": 200, "last_step": 3999}))  # fmt: skip


def fairseq_json_healthy(rng: R) -> Log:
    """Mixed precision: gradient overflows now and then, halved scales; the BLEU on the held-out set rises."""
    out, step = [], 0
    times = clock("2023-03-04 10:00:00", 40, rng, 500)
    for epoch in range(1, 21):
        for part in range(1, 11):
            step += 100
            loss = 4.0 + 7.4 * step**-0.18 * 0.9 - 1.9 + 0.05 * rng.standard_normal()
            rate = 5e-4 * min(step / 4000, (4000 / step) ** 0.5)
            overflow = step in (600, 5300, 12900)
            if overflow:
                out.append(f"{next(times):%Y-%m-%d %H:%M:%S} | INFO | fairseq.trainer | NOTE: gradient overflow detected, "
                           "ignoring gradient, setting loss scale to: 64.0")  # fmt: skip
            row = {"epoch": epoch, "update": round(epoch - 1 + part / 10, 3), "loss": f"{loss:.3f}",
                   "nll_loss": f"{loss - 1.4:.3f}", "ppl": f"{2 ** (loss - 1.4):.2f}", "wps": "41020", "ups": "2.5",
                   "wpb": "16408", "bsz": "512", "num_updates": str(step), "lr": f"{rate:.6g}",
                   "gnorm": "inf" if overflow else f"{rng.lognormal(0, 0.2):.3f}", "loss_scale": "64", "train_wall": "38",
                   "gb_free": "6.1", "wall": str(40 * step // 100)}  # fmt: skip
            out.append(f"{next(times):%Y-%m-%d %H:%M:%S} | INFO | train_inner | {json.dumps(row)}")
        valid = {"epoch": epoch, "valid_loss": f"{loss + 0.12:.3f}", "valid_nll_loss": f"{loss - 1.3:.3f}",
                 "valid_bleu": f"{33 * (1 - np.exp(-epoch / 5)) + 0.2 * rng.standard_normal():.2f}", "valid_num_updates": str(step)}  # fmt: skip
        out.append(f"{next(times):%Y-%m-%d %H:%M:%S} | INFO | valid | {json.dumps(valid)}")
        mean = {
            "epoch": epoch,
            "train_loss": f"{loss + 0.02:.3f}",
            "train_num_updates": str(step),
            "train_lr": f"{rate:.6g}",
        }
        out.append(f"{next(times):%Y-%m-%d %H:%M:%S} | INFO | train | {json.dumps(mean)}")
    return Log({"fairseq.log": lines(out)}, Right(verdicts={"finite": "ok", "decreasing": "ok"}, may=("convergence",),
               read={"losses": 200, "validations": 20, "last_step": 20000}))  # fmt: skip


def nanogpt_characters_overfit(rng: R) -> Log:
    out = [
        "tokens per iteration will be: 16,384",
        "number of parameters: 10.65M",
        "compiling the model... (takes a ~minute)",
    ]
    for it in range(0, 5001, 10):
        train = 0.6 + 3.7 * np.exp(-it / 260) + 0.85 * np.exp(-it / 2600)
        if it % 250 == 0:
            late = max(0, it - 1750) / 3250
            val = max(train, 1.46 + 2.8 * np.exp(-it / 300)) + 0.38 * late + 0.004 * rng.standard_normal()
            out.append(f"step {it}: train loss {train - 0.03:.4f}, val loss {val:.4f}")
            if it <= 1750:
                out.append("saving checkpoint to out-shakespeare-char")
        out.append(
            f"iter {it}: loss {train + 0.03 * rng.standard_normal():.4f}, time {31.2 + rng.random():.2f}ms, mfu 18.01%"
        )
    return Log(
        {"out.txt": lines(out)},
        Right((("overfitting",),), ("stopping_point",), read={"validations": 21, "last_step": 5000}),
    )


def megatron_spike_recovered(rng: R) -> Log:
    """One spike of the loss that comes back in forty iterations; broken off at 2,400 of 10,000 iterations."""
    out, n = [], 240
    loss = power(n, 11.0, 2.1, 0.32) + 0.015 * rng.standard_normal(n)
    loss[120:124] += [2.4, 1.3, 0.5, 0.12]
    rates = warm_cosine(n, 3e-4, 20, 3e-5, 1000)
    for i in range(n):
        it = 10 * (i + 1)
        out.append(f" [2024-05-0{1 + i // 100} 0{i % 10}:{i % 60:02d}:11] iteration {it:8d}/{10000:8d} | consumed samples: "
                   f"{it * 256:12d} | elapsed time per iteration (ms): {2311.2 + 8 * rng.standard_normal():.1f} | throughput per GPU "
                   f"(TFLOP/s/GPU): 391.2 | learning rate: {rates[i]:.6E} | global batch size:   256 | lm loss: {loss[i]:.6E} | "
                   f"loss scale: 1.0 | grad norm: {(9.1 if i == 120 else 0.4) * rng.lognormal(0, 0.1):.3f} | num zeros: 0 | number of skipped "
                   "iterations:   0 | number of nan iterations:   0 |")  # fmt: skip
    return Log({"pretrain.log": lines(out)}, Right(may=("schedule", "restarts"), verdicts={"spikes": "ok", "divergence": "ok",
               "convergence": "cannot_tell|not_applicable"}, read={"losses": n, "last_step": 2400}))  # fmt: skip


def sac_boxes_collapse(rng: R) -> Log:
    """The return climbs to 2,900 and falls to 200 for good after three quarters."""
    out = []
    for i in range(1, 201):
        r = 3000 * (1 - np.exp(-i / 40)) * (1 if i < 150 else 0.07 + 0.93 * np.exp(-(i - 150) / 5))
        r += 90 * remembering(rng, 1, 0.5)[0]
        cells = [("rollout/", None), ("   ep_len_mean", "1e+03"), ("   ep_rew_mean", f"{r:.3g}"), ("time/", None),
                 ("   episodes", str(4 * i)), ("   fps", "71"), ("   time_elapsed", str(56 * i)), ("   total_timesteps", str(4000 * i)),
                 ("train/", None), ("   actor_loss", f"{-r / 40 + rng.standard_normal():.3g}"), ("   critic_loss", f"{rng.lognormal(2, 0.4):.3g}"),
                 ("   ent_coef", f"{0.2 * np.exp(-i / 60) + 0.01:.3g}"), ("   learning_rate", "0.0003"), ("   n_updates", str(4000 * i - 101))]  # fmt: skip
        out.append("-" * 36)
        out += [f"| {name:<19s}| {'' if value is None else value:<11s} |" for name, value in cells]
        out.append("-" * 36)
    return Log({"sac.txt": lines(out)}, Right((("divergence",),), ("stopping_point", "stability"),
               read={"losses": 200, "last_step": 800000, "maximised": 1}))  # fmt: skip


def rllib_never_learns(rng: R) -> Log:
    """PPO's return stays where a random policy's is for 300 iterations."""
    names = ["timers/training_iteration", "env_runners/episode_return_mean", "env_runners/episode_len_mean",
             "env_runners/episode_return_max", "learners/default_policy/policy_loss", "learners/default_policy/vf_loss",
             "learners/default_policy/entropy", "learners/default_policy/mean_kl_loss",
             "learners/default_policy/default_optimizer_learning_rate", "num_env_steps_sampled_lifetime", "training_iteration",
             "time_this_iter_s", "time_total_s"]  # fmt: skip
    rows = [",".join(names)]
    wander = remembering(rng, 300, 0.6)
    for i in range(1, 301):
        values = [4.1, -199.2 + 3 * wander[i - 1], 200.0, -160.0, -0.002 + 0.004 * rng.standard_normal(), 9.8 + 0.2 * rng.standard_normal(),
                  1.38 + 0.002 * rng.standard_normal(), 0.0004, 5e-05, 4000 * i, i, 4.3, 4.3 * i]  # fmt: skip
        rows.append(",".join(f"{v:.6g}" for v in values))
    return Log(
        {"PPO_Env_0/progress.csv": lines(rows)}, Right((("decreasing",),), ("throughput",), read={"maximised": 1})
    )


def catboost_healthy(rng: R) -> Log:
    out = ["Learning rate set to 0.06"]
    for i in range(400):
        a, b = 0.30 + 0.39 * np.exp(-i / 60), 0.34 + 0.35 * np.exp(-i / 55) + 0.0005 * rng.standard_normal()
        if i % 5 == 0 or i == 399:
            out.append(
                f"{i}:\tlearn: {a:.7f}\ttest: {b:.7f}\tbest: {b:.7f} ({i})\ttotal: {21 * (i + 1)}ms\tremaining: {8.4 - 0.021 * i:.3g}s"
            )
    out += ["", "bestTest = 0.3402", "bestIteration = 398", "", "Shrink model to first 399 iterations."]
    return Log({"fit.txt": lines(out)}, Right(verdicts={"decreasing": "ok", "overfitting": "ok"}, may=("convergence",),
               read={"losses": 81, "validations": 81, "last_step": 399}))  # fmt: skip


def lightgbm_two_metrics(rng: R) -> Log:
    """Root mean squared and absolute error of a training and a held-out set; the held-out ones are flat at the end."""
    out = ["[LightGBM] [Info] Total Bins 3315", "[LightGBM] [Info] Start training from score 22.514521",
           "Training until validation scores don't improve for 100 rounds"]  # fmt: skip
    for i in range(1, 601):
        t, v = 1.8 + 7 * np.exp(-i / 50) - 0.0008 * i, 2.9 + 6.2 * np.exp(-i / 45) + 0.002 * remembering(rng, 1, 0.9)[0]
        if i % 10 == 0:
            out.append(
                f"[{i}]\ttrain's rmse: {t:.6g}\ttrain's l1: {0.7 * t:.6g}\theldout's rmse: {v:.6g}\theldout's l1: {0.71 * v:.6g}"
            )
    return Log({"lgb.log": lines(out)}, Right(verdicts={"decreasing": "ok", "overfitting": "ok"}, may=("stopping_point",),
               read={"losses": 60, "validations": 60, "last_step": 600}))  # fmt: skip


def spacy_overfit(rng: R) -> Log:
    """Losses go to nothing while the score on the held-out documents sinks from .84 to .71."""
    out = ["ℹ Pipeline: ['tok2vec', 'ner']", "ℹ Initial learn rate: 0.001",
           "E    #       LOSS TOK2VEC  LOSS NER  ENTS_F  ENTS_P  ENTS_R  SCORE ",
           "---  ------  ------------  --------  ------  ------  ------  ------"]  # fmt: skip
    for i in range(41):
        f = 0.0 if i == 0 else 84 * (1 - np.exp(-i / 2.5)) - 13 * max(0, (i - 10) / 30) + 0.5 * rng.standard_normal()
        t, n = (0.0, 51.4) if i == 0 else (900 * np.exp(-i / 9) + 20, 2600 * np.exp(-i / 7) + 15)
        out.append(
            f"{i // 2:>3}  {200 * i:>6}  {t:>12.2f}  {n:>8.2f}  {f:>6.2f}  {f + 1:>6.2f}  {f - 1:>6.2f}  {f / 100:>6.2f}"
        )
    return Log(
        {"spacy.txt": lines(out)},
        Right((("overfitting", "divergence"),), ("stopping_point",), read={"last_step": 8000}),
    )


def fastai_one_cycle(rng: R) -> Log:
    rows = ["epoch     train_loss  valid_loss  accuracy  time    "]
    for e in range(25):
        t, v = 0.10 + 1.5 * np.exp(-e / 5), 0.22 + 1.1 * np.exp(-e / 4.5) + 0.008 * rng.standard_normal()
        rows.append(f"{e:<10d}{t:<12.6f}{v:<12.6f}{1 - v / 4:<10.6f}00:{11 + e % 3:02d}     ")
    return Log({"fastai.txt": lines(rows)}, Right(verdicts={"decreasing": "ok", "overfitting": "ok|cannot_tell"},
               may=("convergence",), read={"losses": 25, "validations": 25}))  # fmt: skip


def timm_waits_for_data(rng: R) -> Log:
    """Healthy losses; of .92 s a batch .78 s are waiting for images."""
    out = ["Training with a single process on 1 device (cuda:0)."]
    for e in range(12):
        rate = 0.05 * (1 + np.cos(np.pi * e / 12)) / 2
        for b in range(0, 300, 50):
            loss = 1.6 + 4.8 * np.exp(-(e + b / 300) / 3) + 0.08 * rng.standard_normal()
            t, d = 0.92 + 0.02 * rng.standard_normal(), 0.78 + 0.02 * rng.standard_normal()
            out.append(f"Train: {e} [{b:>4d}/300 ({100 * b // 299:>3d}%)]  Loss: {loss:#.3g} ({loss + 0.02:#.3g})  Time: {t:.3f}s, {128 / t:>7.2f}/s  "
                       f"({t:.3f}s, {128 / t:>7.2f}/s)  LR: {rate:.3e}  Data: {d:.3f} ({d:.3f})")  # fmt: skip
        v = 1.5 + 4.0 * np.exp(-e / 3)
        for b in (0, 20, 39):
            out.append(f"Test: [{b:>4d}/39]  Time: 0.31 (0.42)  Loss: {v + 0.1 * rng.standard_normal():>7.3f} ({v:>6.3f})  "
                       f"Acc@1: {100 - 14 * v:>7.3f} ({100 - 14 * v:>7.3f})  Acc@5: {100 - 6 * v:>7.3f} ({100 - 6 * v:>7.3f})")  # fmt: skip
        out.append("Current checkpoints:")
    return Log(
        {"timm.log": lines(out)},
        Right((("throughput",),), verdicts={"decreasing": "ok"}, read={"losses": 72, "validations": 12}),
    )


def keras_history_dead(rng: R) -> Log:
    """ln 10 from the first epoch to the last: all units are dead. Batch noise of a few ten-thousandths remains."""
    n = 40
    history = {"accuracy": [round(0.1 + 0.002 * float(rng.standard_normal()), 5) for _ in range(n)],
               "loss": [round(2.30262 + 0.00015 * float(rng.standard_normal()), 6) for _ in range(n)],
               "val_accuracy": [0.1] * n, "val_loss": [round(2.30259 + 0.0001 * float(rng.standard_normal()), 6) for _ in range(n)],
               "learning_rate": [0.05] * n}  # fmt: skip
    return Log({"history.json": json.dumps(history)}, Right((("decreasing",),), read={"losses": n, "validations": n}))


LOGS = (
    transformers_console_overfit, trainer_state_healthy, trl_dpo_healthy, trl_grpo_kl_runs_away, lightning_csv_diverges,
    keras_console_plateau, ultralytics_overfit, mmengine_t_max_short, detectron2_infinite, fairseq_json_healthy,
    nanogpt_characters_overfit, megatron_spike_recovered, sac_boxes_collapse, rllib_never_learns, catboost_healthy,
    lightgbm_two_metrics, spacy_overfit, fastai_one_cycle, timm_waits_for_data, keras_history_dead,
)  # fmt: skip
