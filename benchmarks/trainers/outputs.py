"""Trains a small model with one popular trainer, sound or with one planted fault, and prints what the trainer prints.

    python benchmarks/trainers/outputs.py TRAINER FAULT FOLDER

It needs the trainer itself, so it runs in an environment of its own; `benchmarks/judging_trainers.py` calls it. What a
trainer writes to files goes to FOLDER. Faults: see FAULTS.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FAULTS = ("none", "rate x 100", "rate 0", "shuffled labels", "overfit", "NaN", "T_max short")
EPOCHS = 40

Data = tuple[Any, Any, Any, Any]


def data(fault: str, classes: int = 2) -> Data:
    """Training and validation set of a noisy linear problem; few and noisy examples where the model is to overfit."""
    rng = np.random.default_rng(7)
    few = fault in ("overfit", "shuffled labels")
    n = 200 if few else 1500
    x = rng.normal(size=(n + 500, 20)).astype(np.float32)
    logits = 2.0 * x @ rng.normal(size=(20, classes))
    y = np.argmax(logits + rng.normal(0, 6.0 if few else 1.0, logits.shape), axis=1)
    if fault == "shuffled labels":
        y = rng.permutation(y)
    return x[:n], y[:n], x[n:], y[n:]


def rate_of(fault: str, usual: float) -> float:
    """The learning rate that the fault asks for."""
    return {"rate x 100": 100 * usual, "rate 0": 0.0}.get(fault, usual)


def cosine(fault: str, usual: float, done: float) -> float:
    """The rate after a part of the run; with a T_max of 60 % of it, it rises again."""
    period = 0.6 if fault == "T_max short" else 1.0
    return float(rate_of(fault, usual) * 0.5 * (1 + np.cos(np.pi * done / period)))


def network(fault: str) -> Any:
    """A torch network that fits the data, or learns few examples by heart."""
    import torch

    torch.manual_seed(0)
    width = 256 if fault in ("overfit", "shuffled labels") else 16
    return torch.nn.Sequential(torch.nn.Linear(20, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))


def keras_console(fault: str, folder: Path) -> None:
    _keras(fault, folder, verbose=2)


def keras_csv(fault: str, folder: Path) -> None:
    _keras(fault, folder, verbose=0)


def _keras(fault: str, folder: Path, verbose: int) -> None:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    x, y, xv, yv = data(fault)
    keras.utils.set_random_seed(0)
    if fault == "NaN":
        x[700] = np.inf
    width = 256 if fault in ("overfit", "shuffled labels") else 16
    model = keras.Sequential(
        [keras.layers.Dense(width, activation="relu"), keras.layers.Dense(2, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(rate_of(fault, 3e-3)), "sparse_categorical_crossentropy", metrics=["accuracy"])
    calls: list[Any] = [keras.callbacks.LearningRateScheduler(lambda epoch: cosine(fault, 3e-3, epoch / EPOCHS))]
    if not verbose:
        calls.append(keras.callbacks.CSVLogger(str(folder / "training.csv")))  # after the one that sets the rate
    model.fit(x, y, validation_data=(xv, yv), epochs=EPOCHS, batch_size=64, verbose=verbose, callbacks=calls)


def lightning(fault: str, folder: Path) -> None:
    import lightning as pl
    import torch
    from lightning.pytorch.callbacks import LearningRateMonitor
    from lightning.pytorch.loggers import CSVLogger

    x, y, xv, yv = data(fault)
    if fault == "NaN":
        x[700] = np.inf
    steps = EPOCHS * -(-len(x) // 64)

    class Model(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = network(fault)

        def training_step(self, batch: Any, _: int) -> Any:
            loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch: Any, _: int) -> None:
            out = self.net(batch[0])
            self.log("val_loss", torch.nn.functional.cross_entropy(out, batch[1]))
            self.log("val_acc", (out.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> Any:
            adam = torch.optim.Adam(self.parameters(), rate_of(fault, 3e-3))
            period = int(0.6 * steps) if fault == "T_max short" else steps
            plan = torch.optim.lr_scheduler.CosineAnnealingLR(adam, period)
            return {"optimizer": adam, "lr_scheduler": {"scheduler": plan, "interval": "step"}}

    train = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y))
    held_out = torch.utils.data.TensorDataset(torch.tensor(xv), torch.tensor(yv))
    logger = CSVLogger(str(folder), name="logs", flush_logs_every_n_steps=50)
    trainer = pl.Trainer(
        max_epochs=EPOCHS, logger=logger, log_every_n_steps=4, enable_progress_bar=False, enable_checkpointing=False,
        callbacks=[LearningRateMonitor("step")], accelerator="cpu", enable_model_summary=False,
    )  # fmt: skip
    loader = torch.utils.data.DataLoader
    trainer.fit(Model(), loader(train, 64, shuffle=True), loader(held_out, 500))


def _walks(fault: str) -> tuple[Any, Any]:
    """Token sequences of a small grammar; random ones where the labels are shuffled; few where it is to overfit."""
    rng = np.random.default_rng(3)
    n = 40 if fault in ("overfit", "shuffled labels") else 640
    high = 48 if fault in ("overfit", "shuffled labels") else 3
    ids = np.cumsum(rng.integers(0, high, size=(n + 80, 24)), axis=1) % 48
    return ids[:n], ids[n:]


def _language_model(fault: str) -> Any:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    wide = 96 if fault in ("overfit", "shuffled labels") else 32
    config = GPT2Config(
        vocab_size=50, n_positions=32, n_embd=wide, n_layer=2, n_head=2, bos_token_id=49, eos_token_id=49
    )
    model = GPT2LMHeadModel(config)
    if fault == "NaN":
        calls = {"count": 0}

        def spoil(_: Any, grad: Any) -> None:
            calls["count"] += 1

        def hook(grad: Any) -> Any:
            calls["count"] += 1
            return grad * float("nan") if calls["count"] == 250 else grad

        model.transformer.wte.weight.register_hook(hook)
    return model


def _arguments(kind: Any, fault: str, folder: Path, steps: int) -> Any:
    plan: dict[str, Any] = {"num_cycles": 0.5 / 0.6} if fault == "T_max short" else {}
    return kind(
        output_dir=str(folder / "out"), max_steps=steps, logging_steps=5, eval_strategy="steps", eval_steps=30,
        save_strategy="no", per_device_train_batch_size=16, learning_rate=rate_of(fault, 3e-3), use_cpu=True,
        lr_scheduler_type="cosine", lr_scheduler_kwargs=plan, warmup_steps=20, report_to="none", seed=0,
    )  # fmt: skip


def transformers(fault: str, folder: Path) -> None:
    import torch
    from transformers import Trainer, TrainingArguments

    train, held_out = _walks(fault)
    rows, others = ([{"input_ids": torch.tensor(r), "labels": torch.tensor(r)} for r in s] for s in (train, held_out))
    arguments = _arguments(TrainingArguments, fault, folder, 400)
    Trainer(model=_language_model(fault), args=arguments, train_dataset=rows, eval_dataset=others).train()


def trl_sft(fault: str, folder: Path) -> None:
    import datasets
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast
    from trl import SFTConfig, SFTTrainer

    words = {f"w{i}": i for i in range(48)} | {"<unk>": 48, "<pad>": 49}
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="<unk>", pad_token="<pad>", eos_token="<pad>")
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    _language_model("none").save_pretrained(folder / "base")
    train, held_out = (
        datasets.Dataset.from_dict({"text": [" ".join(f"w{i}" for i in row) for row in rows]}) for rows in _walks(fault)
    )
    arguments = _arguments(SFTConfig, fault, folder, 300)
    arguments.bf16 = False
    SFTTrainer(
        model=_language_model(fault), args=arguments, train_dataset=train, eval_dataset=held_out,
        processing_class=tokenizer,
    ).train()  # fmt: skip


def fastai(fault: str, folder: Path) -> None:
    import torch
    from fastai.callback.progress import CSVLogger
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.metrics import accuracy

    x, y, xv, yv = data(fault)
    if fault == "NaN":
        x[700] = np.inf
    sets = [torch.utils.data.TensorDataset(torch.tensor(a), torch.tensor(b)) for a, b in ((x, y), (xv, yv))]
    loaders = DataLoaders(
        torch.utils.data.DataLoader(sets[0], 64, shuffle=True), torch.utils.data.DataLoader(sets[1], 500)
    )
    learner = Learner(
        loaders, network(fault), loss_func=torch.nn.CrossEntropyLoss(), metrics=accuracy, path=folder,
        cbs=[CSVLogger("history.csv")],
    )  # fmt: skip
    learner.fit(EPOCHS, lr=max(rate_of(fault, 3e-3 if fault in ("overfit", "shuffled labels") else 5e-4), 1e-30))


def sklearn_mlp(fault: str, folder: Path) -> None:
    from sklearn.neural_network import MLPClassifier

    x, y, _, _ = data(fault)
    MLPClassifier(
        (16,), learning_rate_init=max(rate_of(fault, 3e-3), 1e-30), max_iter=120, verbose=True, random_state=0,
        solver="sgd" if fault == "rate x 100" else "adam", n_iter_no_change=200, momentum=0.0,
    ).fit(x, y)  # fmt: skip


def sklearn_sgd(fault: str, folder: Path) -> None:
    from sklearn.linear_model import SGDClassifier

    x, y, _, _ = data(fault)
    SGDClassifier(
        "log_loss", learning_rate="constant", eta0=max(rate_of(fault, 1e-2), 1e-30), max_iter=60, tol=None, verbose=1,
        random_state=0,
    ).fit(x, y)  # fmt: skip


def sklearn_boosting(fault: str, folder: Path) -> None:
    from sklearn.ensemble import GradientBoostingClassifier

    x, y, _, _ = data(fault)
    GradientBoostingClassifier(
        learning_rate=max(rate_of(fault, 0.1), 1e-30), n_estimators=300, verbose=2, random_state=0
    ).fit(x, y)


def xgboost(fault: str, folder: Path) -> None:
    import xgboost as xgb

    x, y, xv, yv = data(fault)
    train, held_out = xgb.DMatrix(x, y), xgb.DMatrix(xv, yv)
    deep = 6 if fault in ("overfit", "shuffled labels") else 2
    settings = {"objective": "binary:logistic", "eta": rate_of(fault, 0.08), "max_depth": deep, "nthread": 1}
    xgb.train(settings, train, 250, evals=[(train, "train"), (held_out, "eval")])


def lightgbm(fault: str, folder: Path) -> None:
    import lightgbm as lgb

    x, y, xv, yv = data(fault)
    train = lgb.Dataset(x, y)
    held_out = lgb.Dataset(xv, yv, reference=train)
    leaves = 31 if fault in ("overfit", "shuffled labels") else 4
    settings = {"objective": "binary", "num_threads": 1, "learning_rate": max(rate_of(fault, 0.08), 1e-12)}
    settings |= {"num_leaves": leaves, "verbosity": -1, "min_data_in_leaf": 5}
    calls = [lgb.log_evaluation(1)]
    lgb.train(settings, train, 250, valid_sets=[train, held_out], valid_names=["training", "valid_1"], callbacks=calls)


def catboost(fault: str, folder: Path) -> None:
    from catboost import CatBoostClassifier

    x, y, xv, yv = data(fault)
    deep = 8 if fault in ("overfit", "shuffled labels") else 3
    CatBoostClassifier(
        iterations=250, learning_rate=max(rate_of(fault, 0.1), 1e-9), depth=deep, thread_count=1, random_seed=0,
        train_dir=str(folder / "catboost_info"), l2_leaf_reg=0.1, use_best_model=False,
    ).fit(x, y, eval_set=(xv, yv), verbose=1)  # fmt: skip


def stable_baselines(fault: str, folder: Path) -> None:
    from stable_baselines3 import PPO

    rate = rate_of(fault, 1e-3)
    PPO(
        "MlpPolicy", "CartPole-v1", verbose=1, seed=0, n_steps=256, batch_size=64, learning_rate=rate, device="cpu"
    ).learn(15_000)


def spacy(fault: str, folder: Path) -> None:
    import random

    import spacy as library
    from spacy.tokens import DocBin
    from spacy.training.initialize import init_nlp
    from spacy.training.loop import train as train_loop

    drawn = random.Random(0)
    blank = library.blank("en")
    good, bad = ("fine", "great", "lovely", "good"), ("poor", "awful", "bad", "dull")
    for name, count in (("train", 300), ("dev", 100)):
        kept = DocBin()
        for _ in range(count):
            positive = drawn.random() < 0.5
            words = ["it", "was", drawn.choice(good if positive else bad), "and", drawn.choice(("long", "short"))]
            if fault == "shuffled labels":
                positive = drawn.random() < 0.5
            doc = blank(" ".join(words))
            doc.cats = {"POSITIVE": float(positive), "NEGATIVE": float(not positive)}
            kept.add(doc)
        kept.to_disk(folder / f"{name}.spacy")
    config = library.util.load_config(_spacy_config(folder))
    config["training"]["optimizer"]["learn_rate"] = rate_of(fault, 1e-3)
    (folder / "model").mkdir()
    train_loop(init_nlp(config), folder / "model")


def _spacy_config(folder: Path) -> Path:
    from spacy.cli.init_config import init_config

    config = init_config(lang="en", pipeline=["textcat"], optimize="efficiency", gpu=False)
    config["paths"]["train"], config["paths"]["dev"] = str(folder / "train.spacy"), str(folder / "dev.spacy")
    config["training"]["max_steps"], config["training"]["eval_frequency"] = 400, 20
    config["training"]["logger"]["progress_bar"] = False
    path = folder / "config.cfg"
    config.to_disk(path)
    return path


TRAINERS: dict[str, Callable[[str, Path], None]] = {
    "keras console": keras_console, "keras csv": keras_csv, "lightning": lightning, "transformers": transformers,
    "trl sft": trl_sft, "fastai": fastai, "sklearn mlp": sklearn_mlp, "sklearn sgd": sklearn_sgd,
    "sklearn boosting": sklearn_boosting, "xgboost": xgboost, "lightgbm": lightgbm, "catboost": catboost,
    "stable-baselines": stable_baselines, "spacy": spacy,
}  # fmt: skip

if __name__ == "__main__":
    TRAINERS[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
