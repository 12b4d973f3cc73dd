"""Twenty-five logs of other trainers than those of the first round, looked at once when its kinds had been mended."""

# ruff: noqa: E501 - the lines of logs are as long as they are

import json
from datetime import timedelta

import numpy as np
from invented_runs.shapes import Log, Right, clock, lines, power, skewed, warm_cosine, warm_linear

R = np.random.Generator


def caffe_dead(rng: R) -> Log:
    """Softmax has saturated: 87.3365, the logarithm of the smallest single-precision number, to the end."""
    out = []
    head = "I0105 10:0{m}:{s:02d}.{u:06d} 12345 "
    for i in range(0, 8001, 100):
        at = head.format(m=i // 1000, s=(i // 20) % 60, u=rng.integers(0, 999999))
        loss = "87.3365" if i >= 400 else f"{6.9 + 0.1 * rng.standard_normal() + (5 if i == 300 else 0):.5g}"
        if i % 1000 == 0:
            out += [
                f"{at}solver.cpp:347] Iteration {i}, Testing net (#0)",
                f"{at}solver.cpp:414]     Test net output #0: accuracy = {0.001 if i else 0.0012}",
                f"{at}solver.cpp:414]     Test net output #1: loss = {'87.3365' if i else '6.90988'} (* 1 = {'87.3365' if i else '6.90988'} loss)",
            ]
        out += [
            f"{at}solver.cpp:239] Iteration {i} (3.21 iter/s, 31.1s/100 iters), loss = {loss}",
            f"{at}solver.cpp:258]     Train net output #0: loss = {loss} (* 1 = {loss} loss)",
            f"{at}sgd_solver.cpp:112] Iteration {i}, lr = 0.05",
        ]
    return Log(
        {"caffe.INFO": lines(out)},
        Right(
            (("decreasing", "divergence"),),
            ("decreasing", "divergence", "spikes", "stability", "overfitting", "stopping_point"),
            read={"losses": 81, "validations": 9, "last_step": 8000},
        ),
    )


def marian_translation(rng: R) -> Log:
    out, times = [], clock("2024-01-05 10:00:00", 61, rng, 2000)
    for i in range(1, 201):
        cost = 2.1 + 7.4 * i**-0.42 + 0.03 * rng.standard_normal()
        rate = 3e-4 * min(i / 16, (16 / i) ** 0.5)
        out.append(
            f"[{next(times):%Y-%m-%d %H:%M:%S}] Ep. {1 + i // 45} : Up. {1000 * i} : Sen. {(412311 * i) % 18000000:,} : Cost {cost:.8f} * {3120000 + rng.integers(0, 9999):,} @ 14,112 after {3121000 * i:,} : Time 61.{rng.integers(10, 99)}s : 51{rng.integers(100, 999)}.12 words/s : gNorm {rng.lognormal(-0.5, 0.2):.4f} : L.r. {rate:.4e}"
        )
        if i % 10 == 0:
            held = cost - 0.02 + 0.02 * rng.standard_normal()
            out += [
                f"[{next(times):%Y-%m-%d %H:%M:%S}] [valid] Ep. {1 + i // 45} : Up. {1000 * i} : ce-mean-words : {held:.6f} : new best",
                f"[{next(times):%Y-%m-%d %H:%M:%S}] [valid] Ep. {1 + i // 45} : Up. {1000 * i} : bleu-detok : {41 - 9 * held + 0.15 * rng.standard_normal():.4f} : {'new best' if i % 3 else 'stalled 1 times (last best: 33.1)'}",
            ]
    return Log(
        {"train.log": lines(out)},
        Right(
            may=("stopping_point", "convergence"),
            verdicts={"decreasing": "ok", "divergence": "ok", "overfitting": "ok|cannot_tell"},
            read={"losses": 200, "validations": 20, "last_step": 200000},
        ),
    )


def mxnet_overfit(rng: R) -> Log:
    out = []
    for e in range(40):
        train, held = 0.04 + 1.6 * np.exp(-e / 6), 0.62 + 1.0 * np.exp(-e / 4) + 0.02 * max(0, e - 8)
        for b in range(100, 501, 100):
            x = train + 0.12 * np.exp(-e / 6) * (300 - b) / 300 + 0.01 * rng.standard_normal()
            out.append(
                f"INFO:root:Epoch[{e}] Batch [{b - 100}-{b}]\tSpeed: 12{rng.integers(10, 99)}.31 samples/sec\taccuracy={1 - x / 3:.6f}\tcross-entropy={x:.6f}"
            )
        out += [
            f"INFO:root:Epoch[{e}] Train-accuracy={1 - train / 3:.6f}",
            f"INFO:root:Epoch[{e}] Train-cross-entropy={train:.6f}",
            f"INFO:root:Epoch[{e}] Time cost=41.{rng.integers(100, 999)}",
            f"INFO:root:Epoch[{e}] Validation-accuracy={1 - held / 4:.6f}",
            f"INFO:root:Epoch[{e}] Validation-cross-entropy={held + 0.01 * rng.standard_normal():.6f}",
        ]
    return Log({"mx.log": lines(out)}, Right((("overfitting",),), ("stopping_point",), read={"validations": 40}))


def legged_robot(rng: R) -> Log:
    """rsl_rl: a block of aligned lines per iteration, the reward among them; it rises."""
    out = []
    for i in range(300):
        reward = 24 * (1 - np.exp(-i / 70)) - 1 + 0.6 * rng.standard_normal()
        out += ["#" * 80, f"                       \x1b[1m Learning iteration {i}/300 \x1b[0m                      ", "", f"                       Computation: {91000 + rng.integers(0, 4000)} steps/s (collection: 0.812s, learning 0.214s)", f"               Value function loss: {0.02 + 0.5 * np.exp(-i / 40) + 0.01 * abs(rng.standard_normal()):.4f}", f"                    Surrogate loss: {-0.008 + 0.002 * rng.standard_normal():.4f}",
                f"             Mean action noise std: {0.9 * np.exp(-i / 300):.2f}", f"                       Mean reward: {reward:.2f}", f"               Mean episode length: {min(1000, 30 + 6 * i):.2f}", "-" * 80, f"                   Total timesteps: {98304 * (i + 1)}", "                    Iteration time: 1.03s", f"                        Total time: {1.03 * (i + 1):.2f}s", f"                               ETA: {1.03 * (299 - i):.1f}s", ""]  # fmt: skip
    return Log(
        {"train.log": lines(out)},
        Right(
            may=("stopping_point",),
            verdicts={"decreasing": "ok", "divergence": "ok|not_applicable"},
            read={"losses": 300, "maximised": 1},
        ),
    )


def verl_line(rng: R) -> Log:
    """verl: one very long line per step, names and numbers with colons; the score rises, the policy loss means nothing."""
    out = []
    for i in range(1, 241):
        score = 0.18 + 0.55 * (1 - np.exp(-i / 70)) + 0.03 * rng.standard_normal()
        held = (
            f" - val-core/math/reward/mean@1:{0.2 + 0.5 * (1 - np.exp(-i / 70)) + 0.01 * rng.standard_normal():.4f}"
            if i % 20 == 0
            else ""
        )
        out.append(
            f"(TaskRunner pid=41213) step:{i} - global_seqlen/mean:{91000 + rng.integers(0, 9000)}.0 - actor/entropy:{0.32 + 0.3 * np.exp(-i / 60):.4f} - actor/kl_loss:{0.0004 * i**0.5:.5f} - actor/pg_loss:{0.01 * rng.standard_normal():.5f} - actor/pg_clipfrac:{abs(0.001 * rng.standard_normal()):.5f} - actor/grad_norm:{rng.lognormal(-1.5, 0.2):.4f} - actor/lr:1e-06 - "
            f"critic/score/mean:{score:.4f} - critic/score/max:1.0 - critic/score/min:0.0 - critic/rewards/mean:{score:.4f} - critic/advantages/mean:{0.01 * rng.standard_normal():.4f} - response_length/mean:{410 + i + 12 * rng.standard_normal():.2f} - response_length/clip_ratio:0.01 - timing_s/gen:31.2 - timing_s/step:{71 + rng.random():.2f} - perf/throughput:2012.3{held}"
        )
    return Log(
        {"verl.log": lines(out)},
        Right(
            may=("stopping_point",),
            verdicts={"decreasing": "ok", "divergence": "ok|not_applicable"},
            read={"losses": 240, "maximised": 1, "last_step": 240},
        ),
    )


def gbm_of_r_overfit(rng: R) -> Log:
    """R's gbm: every tree at first, then every twentieth; the deviance of the held-out part turns at 200 of 1,000."""
    out = ["Iter   TrainDeviance   ValidDeviance   StepSize   Improve"]
    for i in [*range(1, 11), *range(20, 1001, 20)]:
        train, held = 1.32 * np.exp(-i / 420), 0.86 + 0.46 * np.exp(-i / 60) + 0.00042 * max(0, i - 200)
        out.append(
            f"{i:6d} {train + 0.001 * rng.standard_normal():14.4f} {held + 0.002 * rng.standard_normal():15.4f} {0.1:10.4f} {0.01 * np.exp(-i / 100):9.4f}"
        )
    return Log(
        {"gbm.txt": lines(out)},
        Right((("overfitting",),), ("stopping_point",), read={"losses": 60, "validations": 60, "last_step": 1000}),
    )


def online_learner_table(rng: R) -> Log:
    """Vowpal Wabbit: a heading of two lines, examples that double; the average loss since the start comes down."""
    out = [
        "Num weight bits = 18",
        "learning rate = 0.5",
        "average  since         example        example        current        current  current",
        "loss     last          counter         weight          label        predict features",
    ]
    n, average = 1, 0.9
    for i in range(21):
        last = 0.29 + 0.6 * np.exp(-i / 4) + 0.006 * rng.standard_normal()
        average = last if i == 0 else (average + last) / 2
        out.append(
            f"{average:.6f} {last:.6f} {n:15d} {float(n):14.1f} {float(rng.choice((-1, 1))):14.4f} {rng.standard_normal():14.4f} {rng.integers(20, 90):8d}"
        )
        n *= 2
    out += ["", "finished run", f"number of examples = {n}", f"average loss = {average:.6f}"]
    return Log(
        {"vw.log": lines(out)},
        Right(verdicts={"decreasing": "ok|cannot_tell"}, read={"losses": 21, "last_step": 2**20}),
    )


def speech_synthesis_blocks(rng: R) -> Log:
    """Coqui's TTS: a heading per step, one value a line with its mean in brackets, an evaluation per epoch."""
    out, step = [], 0
    for e in range(40):
        out += [f"\n\x1b[4m\x1b[1m > EPOCH: {e}/40\x1b[0m", " --> /out/run-January"]
        for b in range(0, 100, 25):
            loss = 0.42 + 2.1 * np.exp(-(e + b / 100) / 6) + 0.02 * rng.standard_normal()
            out += [
                f"\n\x1b[1m   --> TIME: 2024-01-05 10:{e:02d}:{b // 2:02d} -- STEP: {b}/100 -- GLOBAL_STEP: {step}\x1b[0m",
                f"     | > decoder_loss: {0.6 * loss:.5f}  ({0.6 * loss + 0.01:.5f})",
                f"     | > postnet_loss: {0.4 * loss:.5f}  ({0.4 * loss + 0.01:.5f})",
                f"     | > loss: {loss:.5f}  ({loss + 0.01:.5f})",
                f"     | > grad_norm: {rng.lognormal(0, 0.2):.5f}  (1.02)",
                "     | > current_lr: 0.0001",
                f"     | > step_time: 0.41{rng.integers(10, 99)}  (0.4123)",
            ]
            step += 25
        held = 0.46 + 2.0 * np.exp(-(e + 1) / 6) + 0.012 * rng.standard_normal()
        out += [
            "\n\x1b[1m > EVALUATION \x1b[0m\n",
            "  \x1b[1m--> EVAL PERFORMANCE\x1b[0m",
            f"     | > avg_decoder_loss:\x1b[92m {0.6 * held:.5f} \x1b[0m(-0.00312)",
            f"     | > avg_postnet_loss:\x1b[92m {0.4 * held:.5f} \x1b[0m(-0.00112)",
            f"     | > avg_loss:\x1b[92m {held:.5f} \x1b[0m(-0.00411)",
        ]
    return Log(
        {"trainer_0_log.txt": lines(out)},
        Right(
            may=("stopping_point", "convergence"),
            verdicts={"decreasing": "ok", "overfitting": "ok"},
            read={"losses": 160, "validations": 40, "last_step": 3975},
        ),
    )


def nemo_bar(rng: R) -> Log:
    """A bar that names its step, the training and the last validation loss; healthy."""
    text, loss, held = "", power(1000, 10.5, 2.6, 0.4), None
    for i in range(1000):
        if (i + 1) % 100 == 0:
            held = loss[i] + 0.04
        shown = f", val_loss={held:.3f}" if held else ""
        text += f"\rEpoch 0: :  {100 * (i + 1) // 1000:3d}%|{'█' * (i // 100):10s}| {i + 1}/1000 [{(i + 1) // 60:02d}:{(i + 1) % 60:02d}<{(999 - i) // 60:02d}:{(999 - i) % 60:02d}, v_num=, reduced_train_loss={loss[i] + 0.03 * rng.standard_normal():.3f}, global_step={i}.0, consumed_samples={256 * (i + 1)}.0, train_step_timing in s=0.98{rng.integers(0, 9)}{shown}]"
    return Log(
        {"nemo_log.txt": text + "\n"},
        Right(
            may=("stopping_point",),
            verdicts={"decreasing": "ok", "divergence": "ok", "overfitting": "ok|cannot_tell"},
            read={"losses": 1000, "validations": 10},
        ),
    )


def federated_rounds(rng: R) -> Log:
    """A federated run: the server's progress in brackets, one line a round."""
    out = [
        "INFO flwr 2024-01-05 10:00:00,001 | server.py:89 | Initializing global parameters",
        "INFO flwr 2024-01-05 10:00:02,001 | server.py:104 | FL starting",
    ]
    for r in range(61):
        loss = 0.31 + 2.0 * np.exp(-r / 10) + 0.01 * rng.standard_normal()
        out += [
            f"INFO flwr 2024-01-05 10:{r:02d}:10,123 | server.py:125 | fit progress: ({r}, {float(loss)!r}, {{'accuracy': {0.97 - 0.4 * min(loss, 2.1):.4f}}}, {61.2 * r:.6f})"
        ] + (
            [
                f"DEBUG flwr 2024-01-05 10:{r:02d}:12,000 | server.py:222 | fit_round {r + 1}: strategy sampled 10 clients (out of 100)"
            ]
            if r < 60
            else []
        )
    return Log(
        {"fl.log": lines(out)},
        Right(
            may=("stopping_point", "throughput", "convergence"),
            verdicts={"decreasing": "ok"},
            read={"losses": 61, "last_step": 60},
        ),
    )


def one_document_per_epoch(rng: R) -> Log:
    """AllenNLP: a folder with one small document per epoch. Overfits from epoch 6 on."""
    files, best = {}, (9.0, 0)
    for e in range(30):
        train, held = (
            0.03 + 1.4 * np.exp(-e / 5),
            0.71 + 0.8 * np.exp(-e / 3) + 0.025 * max(0, e - 6) + 0.006 * rng.standard_normal(),
        )
        best = min(best, (held, e))
        files[f"out/metrics_epoch_{e}.json"] = json.dumps(
            {
                "best_epoch": best[1],
                "peak_worker_0_memory_MB": 4123.4,
                "training_duration": str(timedelta(seconds=61 * (e + 1))),
                "epoch": e,
                "training_accuracy": 1 - train / 3,
                "training_loss": train,
                "validation_accuracy": 0.85 - 0.1 * held,
                "validation_loss": held,
                "best_validation_accuracy": 0.78,
                "best_validation_loss": best[0],
            },
            indent=2,
        )
    return Log(
        files, Right((("overfitting",),), ("stopping_point",), read={"losses": 30, "validations": 30, "last_step": 29})
    )


def hosted_fine_tune(rng: R) -> Log:
    """What a hosted fine-tuning gives back: a value a step, validations seldom, empty cells between."""
    rows = [
        "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy,train_mean_reward,full_validation_mean_reward"
    ]
    for s in range(1, 301):
        loss = 0.62 + 1.3 * np.exp(-s / 40) + 0.12 * skewed(rng, 1)[0]
        held = (
            f"{0.64 + 1.3 * np.exp(-s / 40) + 0.02 * rng.standard_normal():.5f},{0.83 - 0.3 * np.exp(-s / 40):.5f}"
            if s % 20 == 0
            else ","
        )
        rows.append(f"{s},{max(loss, 0.05):.5f},{0.85 - 0.15 * loss:.5f},{held},,")
    return Log(
        {"result_files.csv": lines(rows)},
        Right(
            may=("stopping_point",),
            verdicts={"decreasing": "ok", "overfitting": "ok|cannot_tell"},
            read={"losses": 300, "validations": 15, "last_step": 300},
        ),
    )


def julia_info_blocks(rng: R) -> Log:
    """Julia's logger: a record of several lines with a frame at the left."""
    out = []
    for e in range(1, 61):
        loss = 0.19 + 1.2 * np.exp(-e / 9) + 0.008 * rng.standard_normal()
        out += [
            f"┌ Info: epoch {e}",
            f"│   train_loss = {float(loss)!r}",
            f"│   valid_loss = {float(loss + 0.02 + 0.008 * rng.standard_normal())!r}",
            f"└   seconds = {12 + rng.random():.3f}",
        ]
    return Log(
        {"julia.log": lines(out)},
        Right(
            may=("stopping_point",),
            verdicts={"decreasing": "ok", "overfitting": "ok"},
            read={"losses": 60, "validations": 60, "last_step": 60},
        ),
    )


def detection_dictionary_nan(rng: R) -> Log:
    """TensorFlow 2's object detection prints a dictionary over several lines; from step 3,100 on it is full of nan."""
    out = []
    for step in range(100, 5001, 100):
        loss, dead = 0.5 + 2.2 * np.exp(-step / 900) + 0.04 * rng.standard_normal(), step >= 3100
        said = {
            k: "nan" if dead else f"{v * loss:.8f}"
            for k, v in (
                ("classification_loss", 0.5),
                ("localization_loss", 0.3),
                ("regularization_loss", 0.2),
                ("total_loss", 1.0),
            )
        }
        out += [
            f"INFO:tensorflow:Step {step} per-step time 0.41{rng.integers(0, 9)}s",
            f"I0105 10:{step // 100:02d}:00.123456 140012345678912 model_lib_v2.py:705] Step {step} per-step time 0.41{rng.integers(0, 9)}s",
            f"INFO:tensorflow:{{'Loss/classification_loss': {said['classification_loss']},",
            f" 'Loss/localization_loss': {said['localization_loss']},",
            f" 'Loss/regularization_loss': {said['regularization_loss']},",
            f" 'Loss/total_loss': {said['total_loss']},",
            f" 'learning_rate': {0.04 * min(1, step / 1000):.6f}}}",
        ]
    return Log(
        {"od.log": lines(out)},
        Right(
            (("finite",),),
            ("divergence", "decreasing", "schedule", "convergence", "stability", "stopping_point"),
            read={"losses": 50, "last_step": 5000},
        ),
    )


def character_error_of_ocr(rng: R) -> Log:
    """Tesseract: error rates in percent, no loss."""
    out = []
    for i in range(1, 101):
        cer = 1.1 + 92 * np.exp(-i / 14) + 0.15 * rng.standard_normal()
        out.append(
            f"At iteration {97 * i}/{100 * i}/{100 * i}, Mean rms={0.2 + 5.5 * np.exp(-i / 16):.3f}%, delta={0.3 + 40 * np.exp(-i / 12):.3f}%, char train={max(cer, 0.4):.3f}%, word train={max(3.1 * cer, 1.2) if cer < 30 else 99.8:.3f}%, skip ratio=0%,  {'New worst char error = ' + f'{cer:.3f}' if i % 4 == 0 else 'New best char error = ' + f'{cer:.3f} wrote checkpoint.'}"
        )
    return Log(
        {"lstm.log": lines(out)},
        Right(
            may=("stopping_point", "convergence"), verdicts={"decreasing": "ok"}, read={"losses": 100, "maximised": 0}
        ),
    )


def word_vectors(rng: R) -> Log:
    out = [
        "TRAINING MODEL",
        "Read 12345678 lines.",
        "Initializing parameters...done.",
        "vector size: 100",
        "vocab size: 71290",
        "x_max: 10.000000",
        "alpha: 0.750000",
    ]
    out += [
        f"01/05/24 - {10 + i // 60}:{i % 60:02d}.{rng.integers(10, 59)}AM, iter: {i:03d}, cost: {0.021 + 0.055 * i**-0.7 + 0.00005 * rng.standard_normal():.6f}"
        for i in range(1, 51)
    ]
    return Log(
        {"glove.log": lines(out)},
        Right(may=("convergence",), verdicts={"decreasing": "ok"}, read={"losses": 50, "last_step": 50}),
    )


def variational_bar(rng: R) -> Log:
    """A bar whose mean loss stands before it, with commas in its thousands."""
    text = ""
    for i in range(100, 20001, 100):
        loss = 1210 + 4200 * np.exp(-i / 2500) + 9 * rng.standard_normal()
        text += f"\rAverage Loss = {loss:,.5g}: {100 * i // 20000:3d}%|{'█' * (i // 2000):10s}| {i}/20000 [00:{i // 400:02d}<00:{(20000 - i) // 400:02d}, 401.23it/s]"
    return Log(
        {"advi.log": text + "\nFinished [100%]: Average Loss = 1,210.1\n"},
        Right(may=("convergence",), verdicts={"decreasing": "ok"}),
    )


def detectron2_console_jump(rng: R) -> Log:
    """The console's lines; at iteration 6,000 the loss leaps to three times what it was, and stays there."""
    out = []
    for i in range(19, 9000, 20):
        total = (0.62 + 1.9 * np.exp(-i / 900)) * (1 if i < 6000 else 3.1) + 0.05 * rng.standard_normal()
        out.append(
            f"[01/05 1{i // 6000}:{i // 100 % 60:02d}:{i % 60:02d} d2.utils.events]:  eta: 0:{(9000 - i) // 180:02d}:11  iter: {i}  total_loss: {total:.4g}  loss_cls: {0.3 * total:.4g}  loss_box_reg: {0.4 * total:.4g}  loss_rpn_cls: {0.1 * total:.4g}  loss_rpn_loc: {0.2 * total:.4g}    time: 0.3121  last_time: 0.3098  data_time: 0.0041  last_data_time: 0.0043   lr: {min(0.0025, 0.0025 * i / 1000):.5g}  max_mem: 3123M"
        )
    return Log(
        {"log.txt": lines(out)},
        Right(
            (("divergence",),),
            ("decreasing", "spikes", "stability", "stopping_point", "convergence"),
            read={"losses": 450, "last_step": 8999},
        ),
    )


def paddle_trainer(rng: R) -> Log:
    out, loss, rates = [], power(200, 6.1, 1.6, 0.4), warm_linear(200, 3e-5, 10)
    for i in range(200):
        out.append(
            f"\x1b[32m[2024-01-05 10:{i // 60:02d}:{i % 60:02d},123] [    INFO]\x1b[0m - loss: {loss[i] + 0.03 * rng.standard_normal():.8f}, learning_rate: {rates[i]:.6g}, global_step: {10 * (i + 1)}, interval_runtime: 12.{rng.integers(1000, 9999)}, interval_samples_per_second: 25.{rng.integers(100, 999)}, interval_steps_per_second: 0.8{rng.integers(10, 99)}, progress_or_epoch: {0.015 * (i + 1):.4f}"
        )
        if (i + 1) % 20 == 0:
            out += [
                f"\x1b[32m[2024-01-05 10:{i // 60:02d}:{i % 60:02d},923] [    INFO]\x1b[0m - ***** Running Evaluation *****",
                f"\x1b[32m[2024-01-05 10:{i // 60:02d}:{i % 60:02d},963] [    INFO]\x1b[0m - eval_loss: {loss[i] + 0.05:.8f}, eval_accuracy: {0.95 - 0.2 * loss[i]:.6f}, eval_runtime: 3.1212, eval_samples_per_second: 210.1, progress_or_epoch: {0.015 * (i + 1):.4f}",
            ]
    return Log(
        {"workerlog.0": lines(out)},
        Right(
            may=("stopping_point",),
            verdicts={"decreasing": "ok", "schedule": "ok", "overfitting": "ok|cannot_tell"},
            read={"losses": 200, "validations": 10, "last_step": 2000},
        ),
    )


def forecasting_bars_overfit(rng: R) -> Log:
    """GluonTS: one bar over the batches of an epoch, one over the held-out part."""
    text = ""
    for e in range(50):
        train, held = (
            3.1 + 1.9 * np.exp(-e / 9) - 0.012 * e,
            3.62 + 1.5 * np.exp(-e / 5) + 0.016 * max(0, e - 12) + 0.012 * rng.standard_normal(),
        )
        for b in (10, 30, 50):
            text += f"\r{2 * b:3d}%|{'█' * (b // 5):10s}| {b}/50 [00:0{b // 20}<00:0{(50 - b) // 20}, 21.21it/s, epoch={e + 1}/50, avg_epoch_loss={train + 0.02 * (50 - b) / 50:.3g}]"
        text += f"\n7it [00:00, 41.20it/s, epoch={e + 1}/50, validation_avg_epoch_loss={held:.3g}]\n"
    return Log({"gluon.log": text}, Right((("overfitting",),), ("stopping_point",), read={"validations": 50}))


def korean_semicolons(rng: R) -> Log:
    """A sheet saved with semicolons; units stand in the headings and in one column behind the numbers."""
    rows = ["회차;학습손실;검증손실;검증정확도;학습률;소요시간"]
    for e in range(1, 61):
        train = 0.17 + 0.95 * np.exp(-e / 10) + 0.005 * rng.standard_normal()
        held = train + 0.03 + 0.006 * rng.standard_normal()
        rows.append(
            f"{e};{train:.4f};{held:.4f};{97 - 21 * held:.1f}%;{1e-3 * 0.5 * (1 + np.cos(np.pi * e / 60)):.2e};0:0{1 + e % 2}:{rng.integers(10, 59)}"
        )
    return Log(
        {"결과.csv": lines(rows)},
        Right(
            may=("stopping_point",),
            verdicts={"decreasing": "ok", "overfitting": "ok", "schedule": "ok"},
            read={"losses": 60, "validations": 60, "last_step": 60},
        ),
    )


def swift_records(rng: R) -> Log:
    """ms-swift: step and plan in one text of a record, times in words."""
    rows, loss, rates = [], power(240, 2.4, 0.9, 0.45), warm_cosine(240, 1e-4, 12)
    for i in range(240):
        s = 5 * (i + 1)
        row = {
            "loss": round(float(loss[i] + 0.03 * rng.standard_normal()), 6),
            "token_acc": round(float(0.9 - 0.15 * loss[i]), 6),
            "grad_norm": round(float(rng.lognormal(-0.7, 0.2)), 6),
            "learning_rate": float(rates[i]),
            "memory(GiB)": 31.2,
            "train_speed(iter/s)": 0.31,
            "epoch": round(3 * s / 1200, 4),
            "global_step/max_steps": f"{s}/1200",
            "percentage": f"{100 * s / 1200:.2f}%",
            "elapsed_time": f"{s * 3 // 3600}h {s * 3 // 60 % 60}m {s * 3 % 60}s",
            "remaining_time": f"{(1200 - s) * 3 // 60}m {(1200 - s) * 3 % 60}s",
        }
        rows.append(json.dumps(row))
        if s % 100 == 0:
            rows.append(
                json.dumps(
                    {
                        "eval_loss": round(float(loss[i] + 0.03), 6),
                        "eval_token_acc": round(float(0.89 - 0.15 * loss[i]), 6),
                        "eval_runtime": 12.3,
                        "eval_samples_per_second": 41.2,
                        "epoch": round(3 * s / 1200, 4),
                        "global_step/max_steps": f"{s}/1200",
                        "percentage": f"{100 * s / 1200:.2f}%",
                    }
                )
            )
    return Log(
        {"logging.jsonl": lines(rows)},
        Right(
            may=("stopping_point",),
            verdicts={"decreasing": "ok", "schedule": "ok", "overfitting": "ok|cannot_tell"},
            read={"losses": 240, "validations": 12, "last_step": 1200},
        ),
    )


def litgpt_overfit(rng: R) -> Log:
    """Training and validation loss in one line; the latter is `n/a` at first and then the last one known."""
    out, held = ["The longest sequence length in the train data is 512", "Verifying settings ..."], "n/a"
    for i in range(1, 601):
        e = 1 + (i - 1) // 150
        if i % 30 == 0:
            held = f"{1.21 + 0.9 * np.exp(-i / 60) + 0.0011 * max(0, i - 180) + 0.006 * rng.standard_normal():.3f}"
        out.append(
            f"Epoch {e} | iter {i} step {i // 2} | loss train: {1.5 * np.exp(-i / 260) + 0.12 + 0.05 * rng.standard_normal():.3f}, val: {held} | iter time: {312 + 9 * rng.standard_normal():.2f} ms{' (step)' if i % 2 == 0 else ''} remaining time: 0:0{(600 - i) // 120}:11"
        )
        if i % 30 == 0:
            out.append(f"iter {i}: val loss {held}, val time: 2412.31 ms")
    return Log(
        {"litgpt.log": lines(out)},
        Right((("overfitting",),), ("stopping_point",), read={"losses": 600, "validations": 20}),
    )


def only_rates(rng: R) -> Log:
    """Nothing but steps and learning rates: there is no loss, and nothing can be judged."""
    rates = warm_cosine(200, 3e-4, 20)
    return Log(
        {"sched.log": lines([f"step {10 * (i + 1)} lr {rates[i]:.3e} mem 21.3G" for i in range(200)])},
        Right(read={"error": 1}),
    )


def self_distillation_collapsed(rng: R) -> Log:
    """DINO's records: the loss stands at ln 65,536 from the first epoch to the last; all images look alike to it."""
    rows = [
        json.dumps(
            {
                "train_loss": 11.0904 + 0.00004 * float(rng.standard_normal()),
                "train_lr": 5e-4 * min(1, (e + 1) / 10) * 0.5 * (1 + np.cos(np.pi * e / 100)),
                "train_wd": 0.04 + 0.0036 * e,
                "epoch": e,
            }
        )
        for e in range(100)
    ]
    return Log({"log.txt": lines(rows)}, Right((("decreasing",),), read={"losses": 100, "last_step": 99}))


LOGS = (
    caffe_dead, marian_translation, mxnet_overfit, legged_robot, verl_line, gbm_of_r_overfit, online_learner_table,
    speech_synthesis_blocks, nemo_bar, federated_rounds, one_document_per_epoch, hosted_fine_tune, julia_info_blocks,
    detection_dictionary_nan, character_error_of_ocr, word_vectors, variational_bar, detectron2_console_jump,
    paddle_trainer, forecasting_bars_overfit, korean_semicolons, swift_records, litgpt_overfit, only_rates,
    self_distillation_collapsed,
)  # fmt: skip
