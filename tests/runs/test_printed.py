"""What popular training tools print: the right steps, losses and validation losses come out of each."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from isang.runs.read.folders import read_runs
from isang.runs.statistics.run_statistics import epochs


class Printed(NamedTuple):
    """A log and what is in it."""

    text: str
    steps: list[int]
    losses: list[float]
    validation: dict[int, float]
    """By step."""
    epochs: list[int]
    loss: str = "batch_loss"


def bar(batch: int, of: int) -> str:
    return f"{100 * batch // of:3d}%|{'#' * batch:10s}| {batch}/{of} [00:0{batch}<00:01,  1.00it/s"


LOGS = {
    "nanogpt": Printed(
        "step 0: train loss 4.2, val loss 4.25\niter 0: loss 4.1, time 31ms, mfu 1.0%\n"
        "iter 10: loss 3.0, time 31ms, mfu 1.0%\nstep 20: train loss 2.6, val loss 2.75\n"
        "iter 20: loss 2.5, time 31ms, mfu 1.0%\n",
        [0, 10, 20], [4.2, 3.0, 2.6], {0: 4.25, 20: 2.75}, [],
    ),
    "lightning bar": Printed(
        "".join(
            f"\rEpoch {e}: {bar(b, 4)}, v_num=3, train_loss={9 - 4 * e - b}.0" + (f", val_loss=0.{e}]" if e else "]")
            for e in range(8) for b in range(1, 5)
        ),
        list(range(1, 33)), [9.0 - step for step in range(1, 33)], {4 * e + 1: e / 10 for e in range(1, 8)},
        [step // 4 for step in range(32)],
    ),
    "keras 2, to a file": Printed(
        "Epoch 1/2\n" + ("\b" * 40).join(f"{b}/3 [=>...] - ETA: 1s - loss: {4 - b}.0" for b in (1, 2))
        + "\b" * 40 + "3/3 [=====] - 1s 3ms/step - loss: 1.5 - val_loss: 1.75\nEpoch 2/2\n"
        + "1/3 [=>...] - ETA: 1s - loss: 1.2" + "\b" * 40
        + "3/3 [=====] - 1s 3ms/step - loss: 1.0 - val_loss: 1.25\n",
        [1, 2, 3, 4, 6], [3.0, 2.0, 1.5, 1.2, 1.0], {3: 1.75, 6: 1.25}, [1, 1, 1, 2, 2], "running_mean",
    ),
    "keras 3, in colours": Printed(
        "Epoch 1/1\n" + "".join(
            f"\r\x1b[1m{b}/3\x1b[0m \x1b[32m━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m2s\x1b[0m 52ms/step - loss: {4 - b}.0"
            for b in (1, 2, 3)
        ) + " - val_loss: 1.5\n",
        [1, 2, 3], [3.0, 2.0, 1.0], {3: 1.5}, [1, 1, 1], "running_mean",
    ),
    "ultralytics": Printed(
        "\n".join(
            f"\n      Epoch    GPU_mem   box_loss   cls_loss  Instances       Size\n"
            f"        {e}/2      2.61G     {3 - e}.5      4.25         35        640: {bar(2, 2)}]\n"
            "                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|#| 4/4 "
            "[00:00<00:00]\n                   all        128        929      0.641      0.537      0.605      0.446"
            for e in (1, 2)
        ),
        [2, 4], [6.75, 5.75], {}, [1, 2],
    ),
    "fairseq": Printed(
        "".join(
            f"2024-03-01 10:00:0{n} | INFO | train_inner | epoch 001:    {n} / 2 loss={9 - n}.5, ppl=80, wps=9, "
            f"num_updates={n}, lr=0.001\n" for n in (1, 2)
        ) + "2024-03-01 10:00:03 | INFO | valid | epoch 001 | valid on 'valid' subset | loss 8.25 | ppl 12.3 | "
        "num_updates 2 | best_loss 8.25\n",
        [1, 2], [8.5, 7.5], {2: 8.25}, [1, 1], "interval_loss",
    ),
    "megatron": Printed(
        "".join(
            f" [2024-05-01 10:00:0{n}] iteration {n:8d}/   2 | consumed samples: 16 | elapsed time per iteration (ms): "
            f"510.0 | learning rate: 1.5E-06 | lm loss: {9 - n}.5E+00 | number of skipped iterations:   0 |\n"
            for n in (1, 2)
        ) + " validation loss at iteration 2 | lm loss value: 8.25E+00 | lm loss PPL: 1.1E+01 |\n",
        [1, 2], [8.5, 7.5], {2: 8.25}, [], "interval_loss",
    ),
    "deepspeed": Printed(
        "".join(f"steps: {n} loss: {9 - n / 10} iter time (s): 0.480 samples/sec: 16.0\n" for n in (10, 20, 30)),
        [10, 20, 30], [8.0, 7.0, 6.0], {}, [],
    ),
    "torchtune bar": Printed(
        "".join(f"\r{e}|{2 * e - 2 + b}|Loss: {9 - 2 * e - b}.5: {bar(b, 2)}]" for e in (1, 2) for b in (1, 2)),
        [1, 2, 3, 4], [6.5, 5.5, 4.5, 3.5], {}, [1, 1, 2, 2],
    ),
    "openmmlab": Printed(
        "".join(
            f"03/01 10:00:0{e} - mmengine - INFO - Epoch(train)  [{e}][{b:3d}/100]  lr: 2.0e-02  eta: 0:20:00  time: "
            f"0.2  data_time: 0.01  memory: 3301  loss: {9 - e}.{b}\n" for e in (1, 2) for b in (50, 100)
        ) + "03/01 10:00:09 - mmengine - INFO - Epoch(val) [2][20/20]    coco/bbox_mAP: 0.31  data_time: 0.002\n",
        [50, 100, 150, 200], [8.5, 8.1, 7.5, 7.1], {}, [1, 1, 2, 2], "interval_loss",
    ),
    "timm": Printed(
        "".join(
            f"Train: {e} [{b:4d}/40 ({b:3d}%)]  Loss: {6 - e}.{b} (5.5)  Time: 0.5s (0.5s)  LR: 1.0e-03\n"
            for e in (0, 1) for b in (10, 20)
        ) + "Test: [ 100/100]  Time: 0.3 (0.3)  Loss:  2.25 (2.2)  Acc@1: 50.0 (51.2)\n",
        [10, 20, 50, 60], [6.1, 6.2, 5.1, 5.2], {60: 2.25}, [0, 0, 1, 1],
    ),
    "pytorch's mnist example": Printed(
        "".join(f"Train Epoch: 1 [{n}/1280 ({n // 13}%)]\tLoss: {n / 640}\n" for n in (640, 1280))
        + "\nTest set: Average loss: 0.25, Accuracy: 9812/10000 (98%)\n",
        [640, 1280], [1.0, 2.0], {1280: 0.25}, [1, 1],
    ),
    "xgboost": Printed(
        "".join(f"[{n}]\ttrain-logloss:0.{6 - n}\tvalid-logloss:0.{8 - n}\n" for n in range(3)),
        [0, 1, 2], [0.6, 0.5, 0.4], {0: 0.8, 1: 0.7, 2: 0.6}, [],
    ),
    "lightgbm": Printed(
        "".join(f"[{n}]\ttraining's l2: 9\ttraining's rmse: 0.{9 - n}\tvalid_1's rmse: 0.{n}5\n" for n in (1, 2, 3, 4))
        + "Early stopping, best iteration is:\n[2]\ttraining's l2: 9\ttraining's rmse: 0.7\tvalid_1's rmse: 0.25\n",
        [1, 2, 3, 4], [0.8, 0.7, 0.6, 0.5], {1: 0.15, 2: 0.25, 3: 0.35, 4: 0.45}, [],
    ),
    "catboost": Printed(
        "".join(f"{n}:\tlearn: 0.{6 - n}\ttest: 0.{8 - n}\tbest: 0.1 (0)\ttotal: 9ms\n" for n in range(3)),
        [0, 1, 2], [0.6, 0.5, 0.4], {0: 0.8, 1: 0.7, 2: 0.6}, [],
    ),
    "spacy": Printed(
        "E    #       LOSS TOK2VEC  LOSS NER  ENTS_F  SCORE \n---  ------  ------------  --------  ------  ------\n"
        + "".join(f"  {n // 2}     {200 * n}         {9 - n}.25     88.5   61.2    0.6{n}\n" for n in range(4)),
        [0, 200, 400, 600], [97.75, 96.75, 95.75, 94.75], {}, [0, 0, 1, 1],
    ),
    "fastai": Printed(
        "epoch     train_loss  valid_loss  accuracy  time    \n"
        + "".join(f"{n}         {9 - n}.25     {9 - n}.75    0.91      00:12     \n" for n in range(3)),
        [0, 1, 2], [9.25, 8.25, 7.25], {0: 9.75, 1: 8.75, 2: 7.75}, [0, 1, 2], "interval_loss",
    ),
    "a table in Markdown": Printed(
        "| Step | Training Loss | Validation Loss |\n|------|---|---|\n| 50 | 2.5 | 2.75 |\n| 100 | 1.5 | 1.75 |\n",
        [50, 100], [2.5, 1.5], {50: 2.75, 100: 1.75}, [],
    ),
    "a notebook's table below prose": Printed(
        "  Total batch size = 8 | Total steps = 3\nStep\tTraining Loss\n1\t2.5\n2\t1.5\n3\t1.25\n",
        [1, 2, 3], [2.5, 1.5, 1.25], {}, [],
    ),
    "hugging face, with a plan": Printed(
        "  Num Epochs = 2\n  Total optimization steps = 80\n" + "".join(
            f"{{'loss': {9 - n}.5, 'grad_norm': 1.5, 'learning_rate': 5e-05, 'epoch': {n / 4:.2g}}}\n"
            + (f"{{'eval_loss': {9 - n}.75, 'eval_runtime': 12.3, 'epoch': {n / 4}}}\n" if n % 4 == 0 else "")
            for n in range(1, 9)
        ),
        [10 * n for n in range(1, 9)], [9.5 - n for n in range(1, 9)], {40: 5.75, 80: 1.75},
        [1, 1, 1, 1, 2, 2, 2, 2], "interval_loss",
    ),
    "hugging face, without": Printed(
        "".join(f"{{'loss': {9 - n}.5, 'learning_rate': 5e-05, 'epoch': {n / 4}}}\n" for n in range(1, 9)),
        list(range(1, 9)), [9.5 - n for n in range(1, 9)], {}, [1, 1, 1, 1, 2, 2, 2, 2],
    ),
    "bars without an epoch": Printed(
        "".join(f"\r{bar(b, 3)}, loss={9 - 3 * e - b}.5]" for e in range(2) for b in (1, 2, 3)),
        [1, 2, 3, 4, 5, 6], [8.5, 7.5, 6.5, 5.5, 4.5, 3.5], {}, [1, 1, 1, 2, 2, 2],
    ),
}  # fmt: skip


@pytest.mark.parametrize("tool", LOGS)
def test_what_a_tool_prints_is_understood(tmp_path: Path, tool: str) -> None:
    printed = LOGS[tool]
    path = tmp_path / "train.log"
    path.write_text(printed.text)
    (table,) = read_runs(path)
    steps, losses = table.points(table.loss)
    held_out = dict(zip(*(values.tolist() for values in table.points("validation_loss")), strict=True))
    assert table.loss == printed.loss
    assert steps.tolist() == printed.steps
    assert losses.tolist() == printed.losses
    assert held_out == printed.validation
    assert table.epoch[~np.isnan(table.epoch)].tolist() == printed.epochs
    source = table.source
    assert source.lines == sum(source.used.values()) + sum(source.ignored.values()) + source.failed


def test_the_running_mean_at_the_end_of_an_epoch_is_its_mean(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text(LOGS["keras 2, to a file"].text)
    (table,) = read_runs(path)
    assert [epoch["mean_loss"] for epoch in epochs(table)] == [1.5, 1.0]
