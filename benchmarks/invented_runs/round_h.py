"""Twenty logs in the shapes of trainers that no earlier round has, written before the judge was looked at again, and looked at once."""

# ruff: noqa: E501, PERF401 - the lines of logs are as long as they are

import json
from datetime import timedelta

import numpy as np
from invented_runs.shapes import Log, Right, clock, lines, power, remembering, skewed, warm_cosine, warm_linear

R = np.random.Generator


def small_language_model_overfits(rng: R) -> Log:
    """`iter 20: loss 2.1, time 45.2ms, mfu 31.2%`, and each 250 a line of both losses; the validation turns at 1,500 of 5,000."""
    out = ["tokens per iteration will be: 16,384", "number of parameters: 10.65M"]
    for i in range(0, 5001, 10):
        x = 1.25 * np.exp(-i / 1600)
        if i % 250 == 0:
            val = 1.47 + 2.7 * np.exp(-i / 330) + 0.00013 * max(0, i - 1500) + 0.003 * rng.standard_normal()
            out.append(f"step {i}: train loss {0.62 + x + 2.2 * np.exp(-i / 300):.4f}, val loss {val:.4f}")
        out.append(
            f"iter {i}: loss {0.62 + x + 2.2 * np.exp(-i / 300) + 0.03 * rng.standard_normal():.4f}, time {45 + 2 * rng.random():.2f}ms, mfu {30.9 + 0.3 * rng.standard_normal():.2f}%"
        )
    return Log({"train.txt": lines(out)}, Right((("overfitting", "stopping_point"),), ("overfitting", "stopping_point", "convergence"), {"decreasing": "ok", "divergence": "ok"}, {"validations": 21, "last_step": 5000}))  # fmt: skip


def pretraining_in_c_healthy(rng: R) -> Log:
    """`step  101/4000 | loss 6.12 (+0.12z)| norm 0.98 (-0.50z)| lr 1.00e-04 | 336.12 ms | ...`; the plan is run to its end."""
    n, rates = 4000, warm_cosine(4000, 6e-4, 200, 6e-5)
    curve = power(n, 11.0, 3.05, 0.42) + 0.035 * rng.standard_normal(n)
    out = [
        f"step {i + 1:5d}/{n} | loss {curve[i]:.6f} ({rng.standard_normal():+.2f}z)| norm {0.42 + 1.5 * np.exp(-i / 200) + 0.03 * rng.random():.4f} ({rng.standard_normal():+.2f}z)| lr {rates[i]:.2e} | {336 + 2 * rng.standard_normal():.2f} ms | {46.1 + 0.2 * rng.standard_normal():.1f}% bf16 MFU | {1560321 + int(900 * rng.standard_normal())} tok/s"
        for i in range(n)
    ]
    return Log({"main.log": lines(out)}, Right(may=("convergence",), verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok", "schedule": "ok"}, read={"losses": n, "last_step": n}))  # fmt: skip


def recipe_nan_from_the_middle(rng: R) -> Log:
    """`Step 7 | loss:1.2 lr:2e-05 tokens_per_second_per_gpu:1234 grad_norm:3.4`; nan from step 420 of 700 on."""
    rates = warm_cosine(700, 2e-5, 50)
    out = []
    for i in range(1, 701):
        bad = i >= 420
        loss = "nan" if bad else f"{0.9 + 0.9 * np.exp(-i / 80) + 0.05 * rng.standard_normal()}"
        out.append(
            f"Step {i} | loss:{loss} lr:{rates[i - 1]} tokens_per_second_per_gpu:{1834 + 30 * rng.standard_normal()} grad_norm:{'nan' if bad else 1.2 + 0.2 * rng.random()} "
        )
    return Log({"log_1723.txt": lines(out)}, Right((("finite",),), ("finite", "divergence", "decreasing", "stopping_point", "convergence"), {}, {"last_step": 700}))  # fmt: skip


def sequence_records_with_quoted_numbers(rng: R) -> Log:
    """`| INFO | train_inner | {"epoch": 1, "loss": "9.1", ...}` and valid records, all values quoted; healthy."""
    out, times = [], clock("2023-03-01 08:00:00", 60, rng, 2000)
    rates = warm_linear(600, 5e-4, 40, 640)
    for i in range(1, 601):
        loss = 3.9 + 8.2 * (1 + i / 9) ** -0.9 + 0.04 * rng.standard_normal()
        head = f"{next(times):%Y-%m-%d %H:%M:%S} | INFO |"
        record = {
            "epoch": (i - 1) // 60 + 1,
            "update": f"{i / 60:.3f}",
            "loss": f"{loss:.3f}",
            "nll_loss": f"{loss - 1.6:.3f}",
            "ppl": f"{2 ** (loss - 1.6):.2f}",
            "wps": f"{41000 + 200 * rng.standard_normal():.1f}",
            "ups": "1.6",
            "wpb": "25312.4",
            "bsz": "811.2",
            "num_updates": str(100 * i),
            "lr": f"{rates[i - 1]:.6g}",
            "gnorm": f"{1.1 + 0.2 * rng.random():.3f}",
            "train_wall": "61",
            "wall": str(62 * i),
        }
        out.append(f"{head} train_inner | {json.dumps(record)}")
        if i % 60 == 0:
            v = 4.0 + 7.9 * (1 + i / 9) ** -0.9 + 0.01 * rng.standard_normal()
            out.append(
                f"{head} valid | {json.dumps({'epoch': i // 60, 'valid_loss': f'{v:.3f}', 'valid_nll_loss': f'{v - 1.6:.3f}', 'valid_ppl': f'{2 ** (v - 1.6):.2f}', 'valid_num_updates': str(100 * i)})}"
            )
    return Log({"fairseq.log": lines(out)}, Right(may=("convergence", "stopping_point"), verdicts={"decreasing": "ok", "divergence": "ok", "overfitting": "ok|cannot_tell"}, read={"losses": 600, "validations": 10, "last_step": 60000}))  # fmt: skip


def speech_batches_wait_for_data(rng: R) -> Log:
    """`3epoch:train:101-200batch: iter_time=1.45, forward_time=0.2, loss=..., train_time=1.9`: three quarters of the time is waiting."""
    out, times = [], clock("2023-05-02 21:00:00", 190, rng, 2000)
    for e in range(1, 21):
        for b in range(10):
            i = (e - 1) * 10 + b
            wait, loss = 1.42 + 0.1 * rng.random(), 21 + 170 * np.exp(-i / 30) + 1.3 * rng.standard_normal()
            out.append(
                f"[node1] {next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)} (trainer:{737}) INFO: {e}epoch:train:{100 * b + 1}-{100 * b + 100}batch: iter_time={wait:.3f}, forward_time={0.21 + 0.01 * rng.random():.3f}, loss_ctc={loss * 1.2:.3f}, loss_att={loss * 0.9:.3f}, acc={0.9 - 0.7 * np.exp(-i / 40):.3f}, loss={loss:.3f}, backward_time={0.19 + 0.01 * rng.random():.3f}, optim_step_time=0.044, optim0_lr0={0.002 * min(1, (i + 1) / 40) / max(1, (i + 1) / 40) ** 0.5:.3e}, train_time={wait + 0.47:.3f}"
            )
        v = 23 + 165 * np.exp(-(10 * e) / 30) + 0.4 * rng.standard_normal()
        out.append(
            f"[node1] {next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)} (trainer:338) INFO: {e}epoch results: [train] iter_time=1.46, loss={v - 2:.3f}, time=31 minutes and 40.2 seconds, total_count={1000 * e}, [valid] loss_ctc={v * 1.2:.3f}, loss_att={v * 0.9:.3f}, acc={0.88 - 0.7 * np.exp(-e / 4):.3f}, loss={v:.3f}, time=41.2 seconds, total_count={90 * e}"
        )
    return Log({"train.log": lines(out)}, Right((("throughput",),), ("throughput", "convergence", "stopping_point"), {"decreasing": "ok", "divergence": "ok"}, {"losses": 200}))  # fmt: skip


def detector_records_healthy(rng: R) -> Log:
    """{"mode": "train", ..., "loss_cls", "loss_bbox", "loss", "data_time", "time"}, val records of mAP only; steps at 8 and 11 of 12."""
    out = [json.dumps({"env_info": "sys.platform: linux", "seed": 0, "exp_name": "cfg.py"})]
    for e in range(1, 13):
        lr = 0.02 * (0.1 if e > 8 else 1) * (0.1 if e > 11 else 1)
        for it in range(50, 1001, 50):
            i = (e - 1) * 20 + it // 50
            drop = 0.07 if e > 8 else 0
            c, b = 0.27 + 0.5 * np.exp(-i / 25) - drop, 0.24 + 0.3 * np.exp(-i / 30) - drop / 2
            c, b = c + 0.012 * rng.standard_normal(), b + 0.01 * rng.standard_normal()
            out.append(
                json.dumps(
                    {
                        "mode": "train",
                        "epoch": e,
                        "iter": it,
                        "lr": round(lr, 5),
                        "memory": 4120,
                        "data_time": 0.011,
                        "loss_cls": round(c, 5),
                        "loss_bbox": round(b, 5),
                        "loss": round(c + b, 5),
                        "grad_norm": round(4 + rng.random(), 3),
                        "time": round(0.31 + 0.01 * rng.random(), 4),
                    }
                )
            )
        m = 0.37 - 0.3 * np.exp(-e / 3) + (0.04 if e > 8 else 0)
        out.append(
            json.dumps(
                {
                    "mode": "val",
                    "epoch": e,
                    "iter": 500,
                    "lr": round(lr, 5),
                    "bbox_mAP": round(m, 4),
                    "bbox_mAP_50": round(m * 1.6, 4),
                    "bbox_mAP_75": round(m, 4),
                }
            )
        )
    return Log({"20230401_101112.log.json": lines(out)}, Right(may=("convergence",), verdicts={"decreasing": "ok", "divergence": "ok", "overfitting": "ok|cannot_tell|not_applicable", "throughput": "ok|cannot_tell"}, read={"losses": 240, "runs": 1}))  # fmt: skip


def segmentation_lines_overfit(rng: R) -> Log:
    """Each epoch five lines with their time: negative losses; the validation turns at epoch 60 of 250 while training goes on."""
    out, times = [], clock("2023-06-01 09:00:00", 30, rng, 3000)
    for e in range(250):
        t = -0.55 - 0.4 * (1 - np.exp(-e / 60)) + 0.008 * rng.standard_normal()
        v = -0.5 - 0.27 * (1 - np.exp(-e / 18)) + 0.0011 * max(0, e - 60) + 0.008 * rng.standard_normal()
        for said in (
            f"epoch:  {e}",
            f"train loss : {t:.4f}",
            f"validation loss: {v:.4f}",
            f"Average global foreground Dice: [{-v + 0.05:.4f}]",
            f"lr: {0.01 * (1 - e / 250) ** 0.9:.6f}",
            f"This epoch took {30 + rng.random():.6f} s\n",
        ):
            out.append(f"{next(times):%Y-%m-%d %H:%M:%S}.{rng.integers(100000, 999999)}: {said}")
    return Log({"training_log.txt": lines(out)}, Right((("overfitting", "stopping_point"),), ("overfitting", "stopping_point", "convergence"), {"decreasing": "ok", "divergence": "ok"}, {"losses": 250, "validations": 250}))  # fmt: skip


def perceptron_learns_nothing(rng: R) -> Log:
    """`Iteration 17, loss = 0.69314` near the logarithm of two, to the end of 200 iterations."""
    out = [f"Iteration {i}, loss = {0.69315 + 0.0011 * rng.standard_normal():.8f}" for i in range(1, 201)]
    out.append("Training loss did not improve more than tol=0.000100 for 200 consecutive epochs. Stopping.")
    return Log({"mlp.txt": lines(out)}, Right((("decreasing", "convergence"),), ("decreasing", "convergence", "divergence", "stopping_point"), {"finite": "ok"}, {"losses": 200, "last_step": 200}))  # fmt: skip


def embeddings_by_correlation(rng: R) -> Log:
    """epoch,steps,cosine_pearson,cosine_spearman: only figures that are maximised, and still rising a little at the end. Healthy."""
    out = ["epoch,steps,cosine_pearson,cosine_spearman"]
    for i in range(1, 61):
        p = 0.86 - 0.34 * np.exp(-i / 9) + 0.0015 * rng.standard_normal()
        out.append(f"{i / 15},{100 * i},{p},{p - 0.004 + 0.001 * rng.standard_normal()}")
    return Log({"similarity_evaluation_sts-dev_results.csv": lines(out)}, Right(may=("convergence", "stopping_point"), verdicts={"decreasing": "ok|not_applicable|cannot_tell", "divergence": "ok|not_applicable|cannot_tell"}, read={"maximised": 1, "last_step": 6000}))  # fmt: skip


def pictures_step_loss_of_noise(rng: R) -> Log:
    """`Steps:  10%|... lr=1e-5, step_loss=0.123]`: a loss that is noise around a level, as diffusion has it. Nothing to see."""
    text = ""
    for i in range(1, 1501):
        text += f"\rSteps: {100 * i // 1500:3d}%|{'#' * (i // 150):10s}| {i}/1500 [{timedelta(seconds=i)}<{timedelta(seconds=1500 - i)},  1.02it/s, lr=1e-5, step_loss={max(0.002, 0.11 + 0.09 * skewed(rng, 1)[0]):.4g}]"
    return Log({"dreambooth.log": text + "\n"}, Right(may=("decreasing", "convergence"), verdicts={"finite": "ok", "divergence": "ok"}, read={"losses": 1500, "last_step": 1500}))  # fmt: skip


def voices_blocks_healthy(rng: R) -> Log:
    """`--> TIME: ... -- STEP: 24/98 -- GLOBAL_STEP: 1225` above lines `| > loss: 0.12  (0.13)`: the value and its mean. Healthy."""
    out, times = [], clock("2023-07-01 12:00:00", 12, rng, 3000)
    for i in range(1, 241):
        loss = 0.31 + 1.9 * np.exp(-i / 40) + 0.02 * rng.standard_normal()
        out += [
            "",
            f"   --> TIME: {next(times):%Y-%m-%d %H:%M:%S} -- STEP: {(i - 1) % 24 * 25 + 24}/599 -- GLOBAL_STEP: {25 * i}",
            f"     | > decoder_loss: {loss * 0.7:.5f}  ({loss * 0.71:.5f})",
            f"     | > postnet_loss: {loss * 0.3:.5f}  ({loss * 0.31:.5f})",
            f"     | > loss: {loss:.5f}  ({loss * 1.02:.5f})",
            f"     | > grad_norm: {0.9 + 0.2 * rng.random():.5f}  ({1.0:.5f})",
            "     | > current_lr: 0.00010",
            f"     | > step_time: {0.41 + 0.02 * rng.random():.4f}  (0.4184)",
            f"     | > loader_time: {0.004 + 0.001 * rng.random():.4f}  (0.0046)",
        ]
    return Log({"trainer_0_log.txt": lines(out)}, Right(may=("convergence",), verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok", "throughput": "ok|cannot_tell"}, read={"losses": 240, "last_step": 6000}))  # fmt: skip


def translation_stops_at_a_fifth(rng: R) -> Log:
    """`Step 50/100000; acc: 12.3; ppl: 800.1; xent: 6.7; lr: 0.0001; ...`, which ends at 20,000 without a word."""
    out, times = [], clock("2023-08-01 12:00:00", 14, rng, 3000)
    for i in range(1, 401):
        x = 1.75 + 7.2 * (1 + i / 6) ** -0.75 + 0.02 * rng.standard_normal()
        lr = 0.0007 * min(i / 80, (80 / i) ** 0.5)
        out.append(
            f"[{next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)} INFO] Step {50 * i}/100000; acc: {95 - 11 * x:.1f}; ppl: {np.exp(x):5.1f}; xent: {x:.1f}; lr: {lr:.5f}; sents: {3200 + int(90 * rng.random())}; bsz: 3841/3712/64; {9103 + int(80 * rng.standard_normal())}/{8803} tok/s; {14 * i:6d} sec;"
        )
    # Corrected after the first look: a log that ends early may be of a run that goes on.
    return Log({"onmt.log": lines(out)}, Right(verdicts={"decreasing": "ok", "divergence": "ok", "restarts": "cannot_tell", "convergence": "cannot_tell|problem"}, read={"losses": 400, "last_step": 20000}))  # fmt: skip


def trees_two_tables_overfit(rng: R) -> Log:
    """A folder with learn_error.tsv and test_error.tsv; the test error turns at tree 180 of 1,000."""
    learn, test = ["iter\tLogloss"], ["iter\tLogloss"]
    for i in range(1000):
        learn.append(f"{i}\t{0.08 + 0.61 * np.exp(-i / 160):.10f}")
        test.append(
            f"{i}\t{0.41 + 0.28 * np.exp(-i / 60) + 0.00011 * max(0, i - 180) + 0.0003 * rng.standard_normal():.10f}"
        )
    return Log({"catboost_info/learn_error.tsv": lines(learn), "catboost_info/test_error.tsv": lines(test)}, Right((("overfitting", "stopping_point"),), ("overfitting", "stopping_point", "convergence"), {"decreasing": "ok", "divergence": "ok"}, {"validations": 1000}))  # fmt: skip


def sharded_training_diverges(rng: R) -> Log:
    """`steps: 10 loss: 7.1 iter time (s): 1.2 samples/sec: 12.3` beside rank lines with the rate; leaps to 9.8 at step 2,600 of 5,000 and stays."""
    out, times = [], clock("2023-09-01 12:00:00", 12, rng, 3000)
    for i in range(1, 501):
        loss = (
            2.45 + 7 * (1 + i / 5) ** -0.8 + 0.03 * rng.standard_normal()
            if i < 260
            else 9.7 + 0.15 * rng.standard_normal()
        )
        out.append(
            f"[{next(times):%Y-%m-%d %H:%M:%S},{rng.integers(100, 999)}] [INFO] [logging.py:96:log_dist] [Rank 0] step={10 * i}, skipped={i // 90}, lr=[{3e-4 * min(1, i / 20):.8f}], mom=[[0.9, 0.95]]"
        )
        out.append(
            f"steps: {10 * i} loss: {loss:.4f} iter time (s): {1.18 + 0.02 * rng.random():.3f} samples/sec: {27.1 + 0.3 * rng.standard_normal():.3f}"
        )
    return Log({"deepspeed.out": lines(out)}, Right((("divergence",),), ("divergence", "convergence", "stopping_point", "spikes", "decreasing"), {"finite": "ok"}, {"losses": 500, "last_step": 5000}))  # fmt: skip


def tuning_records_cut_short(rng: R) -> Log:
    """{"current_steps": 10, "total_steps": 1000, "loss", "lr", "epoch", "percentage", "elapsed_time"}, up to 430 of 1,000."""
    rates = warm_cosine(1000, 1e-4, 100)
    out = [
        json.dumps(
            {
                "current_steps": 10 * i,
                "total_steps": 1000,
                "loss": round(1.31 + 0.8 * np.exp(-i / 7) + 0.04 * rng.standard_normal(), 4),
                "lr": float(rates[10 * i - 1]),
                "epoch": round(3 * i / 100, 3),
                "percentage": i * 1.0,
                "elapsed_time": str(timedelta(seconds=31 * i)),
                "remaining_time": str(timedelta(seconds=31 * (100 - i))),
            }
        )
        for i in range(1, 44)
    ]
    # Corrected after the first look, likewise.
    return Log({"trainer_log.jsonl": lines(out)}, Right(verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok", "schedule": "cannot_tell"}, read={"losses": 43, "last_step": 430}))  # fmt: skip


def preferences_at_chance(rng: R) -> Log:
    """{'loss': 0.6931, 'rewards/accuracies': 0.5, 'rewards/margins': 0.0, ...} to the end: the rate is 5e-10."""
    out = []
    for i in range(1, 121):
        out.append(
            str(
                {
                    "loss": round(0.6931 + 0.0006 * rng.standard_normal(), 4),
                    "grad_norm": round(3.1 + 0.4 * rng.random(), 4),
                    "learning_rate": round(5e-10 * (1 - i / 120), 14),
                    "rewards/chosen": round(0.001 * rng.standard_normal(), 5),
                    "rewards/rejected": round(0.001 * rng.standard_normal(), 5),
                    "rewards/accuracies": round(0.5 + 0.04 * rng.standard_normal(), 4),
                    "rewards/margins": round(0.001 * rng.standard_normal(), 5),
                    "logps/chosen": round(-240 + 3 * rng.standard_normal(), 3),
                    "epoch": round(i / 120, 3),
                }
            )
        )
    return Log({"dpo.log": lines(out)}, Right((("decreasing", "convergence"),), ("decreasing", "convergence", "schedule"), {"finite": "ok", "divergence": "ok"}, {"losses": 120}))  # fmt: skip


def walker_in_boxes_learns(rng: R) -> Log:
    """Boxes of rollout/, time/ and train/ with a reward that rises to the end and a loss that goes where it likes. Healthy."""
    text = "Using cuda device\n"
    for i in range(1, 101):
        reward = 280 - 300 * np.exp(-i / 30) + 6 * rng.standard_normal()
        rows = [("rollout/", ""), ("   ep_len_mean", f"{900 + 50 * rng.random():.3g}"), ("   ep_rew_mean", f"{reward:.3g}"), ("time/", ""), ("   fps", f"{812 + int(9 * rng.standard_normal())}"), ("   iterations", str(i)), ("   time_elapsed", str(int(2.52 * i))), ("   total_timesteps", str(2048 * i)), ("train/", ""), ("   approx_kl", f"{0.008 + 0.002 * rng.random():.9f}"), ("   clip_fraction", f"{0.09 + 0.02 * rng.random():.3g}"), ("   entropy_loss", f"{-5.6 + 0.012 * i:.3g}"), ("   explained_variance", f"{0.9 - 0.8 * np.exp(-i / 12):.3g}"), ("   learning_rate", "0.0003"), ("   loss", f"{9 + 14 * abs(rng.standard_normal()):.3g}"), ("   n_updates", str(10 * i)), ("   policy_gradient_loss", f"{-0.011 + 0.003 * rng.standard_normal():.3g}"), ("   value_loss", f"{30 + 20 * rng.random():.3g}")]  # fmt: skip
        text += "-" * 44 + "\n" + "".join(f"| {a:24s}| {b:15s}|\n" for a, b in rows) + "-" * 44 + "\n"
    return Log({"ppo.txt": text}, Right(may=("convergence",), verdicts={"decreasing": "ok|not_applicable", "divergence": "ok|not_applicable"}, read={"maximised": 1, "last_step": 204800}))  # fmt: skip


def agents_fall_back(rng: R) -> Log:
    """`agent_timesteps_total: 4000` and `episode_reward_mean: 21.5` in dumps of settings; the reward falls to nothing in the last third."""
    out = []
    for i in range(1, 121):
        reward = 190 * (1 - np.exp(-i / 20)) if i < 80 else max(9.0, 190 * np.exp(-(i - 80) / 6))
        out += [
            "Result for PPO_cart_1:",
            f"  agent_timesteps_total: {4000 * i}",
            f"  episode_len_mean: {reward:.2f}",
            f"  episode_reward_max: {reward + 20:.1f}",
            f"  episode_reward_mean: {reward + 2.5 * rng.standard_normal():.3f}",
            "  info:",
            "    learner:",
            "      default_policy:",
            f"        entropy: {0.6 - 0.002 * i:.4f}",
            f"        total_loss: {8 + 2 * rng.standard_normal():.4f}",
            f"  time_total_s: {7.1 * i:.3f}",
            f"  training_iteration: {i}",
            "",
        ]
    return Log({"ray_out.txt": lines(out)}, Right((("divergence", "stopping_point", "convergence"),), ("divergence", "stopping_point", "convergence", "decreasing", "spikes"), {"finite": "ok"}, {"maximised": 1}))  # fmt: skip


def word_vectors_by_progress(rng: R) -> Log:
    """`Progress:  10.2% words/sec/thread:   81234 lr:  0.0449 avg.loss:  2.31 ETA:   0h 3m 2s`, overwritten in place. Healthy."""
    text = "Read 124M words\nNumber of words:  218316\nNumber of labels: 0\n"
    for i in range(1, 401):
        text += f"\rProgress: {i / 4:5.1f}% words/sec/thread: {81234 + int(900 * rng.standard_normal()):7d} lr: {0.05 * (1 - i / 400):9.6f} avg.loss: {1.62 + 2.5 * np.exp(-i / 45):9.6f} ETA: {0:3d}h{(400 - i) // 60:2d}m{(400 - i) % 60:2d}s"
    return Log({"ft.log": text + "\n"}, Right(may=("convergence",), verdicts={"finite": "ok", "decreasing": "ok", "divergence": "ok"}, read={"losses": 400}))  # fmt: skip


def tagger_table_healthy(rng: R) -> Log:
    """E, #, LOSS TOK2VEC, LOSS TAGGER, TAG_ACC, SCORE in columns: losses are sums between rows. The score flattens. Healthy."""
    out = [
        "============================= Training pipeline =============================",
        "ℹ Pipeline: ['tok2vec', 'tagger']",
        "ℹ Initial learn rate: 0.001",
        "E    #       LOSS TOK2VEC  LOSS TAGGER  TAG_ACC  SCORE ",
        "---  ------  ------------  -----------  -------  ------",
    ]
    for i in range(41):
        s = 0.955 - 0.62 * np.exp(-i / 5) + 0.0012 * remembering(rng, 1, 0.0)[0]
        out.append(
            f"{i // 8:3d}  {200 * i:6d}  {0.0 if i == 0 else 310 * np.exp(-i / 9) + 40 + 3 * rng.random():12.2f}  {142.1 if i == 0 else 5200 * np.exp(-i / 7) + 420 + 30 * rng.standard_normal():11.2f}  {100 * s:7.2f}  {s:6.2f}"
        )
    out += ["✔ Saved pipeline to output directory", "output/model-last"]
    return Log({"spacy.txt": lines(out)}, Right(may=("convergence", "stopping_point"), verdicts={"divergence": "ok|cannot_tell|not_applicable", "finite": "ok"}, read={"last_step": 8000}))  # fmt: skip


LOGS = (
    small_language_model_overfits, pretraining_in_c_healthy, recipe_nan_from_the_middle, sequence_records_with_quoted_numbers,
    speech_batches_wait_for_data, detector_records_healthy, segmentation_lines_overfit, perceptron_learns_nothing,
    embeddings_by_correlation, pictures_step_loss_of_noise, voices_blocks_healthy, translation_stops_at_a_fifth,
    trees_two_tables_overfit, sharded_training_diverges, tuning_records_cut_short, preferences_at_chance,
    walker_in_boxes_learns, agents_fall_back, word_vectors_by_progress, tagger_table_healthy,
)  # fmt: skip
