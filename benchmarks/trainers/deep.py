"""Networks: Keras, Lightning, fastai, and loops of PyTorch, JAX and tinygrad."""

import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import EPOCHS, constant_rate, cosine, data, network, rate_of


def keras_console(fault: str, folder: Path) -> None:
    _keras(fault, folder, verbose=2)


def keras_csv(fault: str, folder: Path) -> None:
    _keras(fault, folder, verbose=0)


def _keras(fault: str, folder: Path, verbose: int) -> Any:
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
    return model.fit(x, y, validation_data=(xv, yv), epochs=EPOCHS, batch_size=64, verbose=verbose, callbacks=calls)


def lightning(fault: str, folder: Path) -> None:
    _lightning(fault, folder, bar=False)


def _lightning(fault: str, folder: Path, *, bar: bool, tensorboard: bool = False) -> None:
    import lightning as pl
    import torch
    from lightning.pytorch.callbacks import LearningRateMonitor
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

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
            self.log("train_loss", loss, prog_bar=bar)
            return loss

        def validation_step(self, batch: Any, _: int) -> None:
            out = self.net(batch[0])
            self.log("val_loss", torch.nn.functional.cross_entropy(out, batch[1]), prog_bar=bar)
            self.log("val_acc", (out.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> Any:
            adam = torch.optim.Adam(self.parameters(), rate_of(fault, 3e-3))
            period = int(0.6 * steps) if fault == "T_max short" else steps
            plan = torch.optim.lr_scheduler.CosineAnnealingLR(adam, period)
            return {"optimizer": adam, "lr_scheduler": {"scheduler": plan, "interval": "step"}}

    train = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y))
    held_out = torch.utils.data.TensorDataset(torch.tensor(xv), torch.tensor(yv))
    logger: Any = CSVLogger(str(folder), name="logs", flush_logs_every_n_steps=50)
    if tensorboard:
        logger = TensorBoardLogger(str(folder), name="logs")
    trainer = pl.Trainer(
        max_epochs=EPOCHS, logger=logger, log_every_n_steps=4, enable_progress_bar=bar, enable_checkpointing=False,
        callbacks=[LearningRateMonitor("step")], accelerator="cpu", enable_model_summary=False,
    )  # fmt: skip
    loader = torch.utils.data.DataLoader
    trainer.fit(Model(), loader(train, 64, shuffle=True), loader(held_out, 500))


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
    learner.fit(EPOCHS, lr=max(constant_rate(fault), 1e-30))


def keras_bar(fault: str, folder: Path) -> None:
    _keras(fault, folder, verbose=1)


def keras_history(fault: str, folder: Path) -> None:
    history = _keras(fault, folder, verbose=0)
    plain = {name: [float(value) for value in values] for name, values in history.history.items()}
    (folder / "history.json").write_text(json.dumps(plain))


def lightning_bar(fault: str, folder: Path) -> None:
    _lightning(fault, folder, bar=True)


def lightning_tensorboard(fault: str, folder: Path) -> None:
    _lightning(fault, folder, bar=False, tensorboard=True)


def skorch(fault: str, folder: Path) -> None:
    import torch
    from sklearn.model_selection import PredefinedSplit
    from skorch import NeuralNetClassifier
    from skorch.dataset import ValidSplit

    x, y, xv, yv = data(fault)
    if fault == "NaN":
        x[700] = np.inf
    split = PredefinedSplit([-1] * len(x) + [0] * len(xv))
    net = NeuralNetClassifier(
        network(fault), criterion=torch.nn.CrossEntropyLoss, max_epochs=EPOCHS, batch_size=64,
        optimizer=torch.optim.Adam, lr=constant_rate(fault), train_split=ValidSplit(split),
    )  # fmt: skip
    net.fit(np.concatenate([x, xv]), np.concatenate([y, yv]).astype(np.int64))


def ignite(fault: str, folder: Path) -> None:
    """Its own logging of an evaluation after each epoch, as in its examples."""
    import torch
    from ignite.contrib.handlers import ProgressBar
    from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
    from ignite.metrics import Accuracy, Loss

    model, loaders = network(fault), _loaders(fault)
    loss, adam = torch.nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), constant_rate(fault))
    trainer = create_supervised_trainer(model, adam, loss)
    evaluator = create_supervised_evaluator(model, metrics={"accuracy": Accuracy(), "nll": Loss(loss)})
    bar = ProgressBar(persist=True)
    bar.attach(trainer, output_transform=lambda value: {"batch loss": value})

    @trainer.on(Events.EPOCH_COMPLETED)
    def _(engine: Any) -> None:
        for name, loader in zip(("Training", "Validation"), loaders, strict=True):
            evaluator.run(loader)
            found = evaluator.state.metrics
            bar.log_message(
                f"{name} Results - Epoch: {engine.state.epoch} Avg accuracy: {found['accuracy']:.2f} "
                f"Avg loss: {found['nll']:.4f}"
            )

    trainer.run(loaders[0], max_epochs=EPOCHS)


def tabnet(fault: str, folder: Path) -> None:
    import torch
    from pytorch_tabnet.tab_model import TabNetClassifier

    x, y, xv, yv = data(fault)
    TabNetClassifier(
        n_d=4, n_a=4, n_steps=2, seed=0, optimizer_params={"lr": rate_of(fault, 2e-2)}, optimizer_fn=torch.optim.Adam,
        device_name="cpu",
    ).fit(
        x, y, eval_set=[(x, y), (xv, yv)], eval_name=["train", "valid"], eval_metric=["logloss"], max_epochs=EPOCHS,
        patience=EPOCHS, batch_size=256, virtual_batch_size=128, drop_last=False,
    )  # fmt: skip


def imagenet_example(fault: str, folder: Path) -> None:
    """The console of PyTorch's ImageNet example: current values and means since the start of the epoch."""
    import torch

    model, (train, held_out) = network(fault), _loaders(fault)
    adam, total = torch.optim.Adam(model.parameters(), constant_rate(fault)), 0.0
    for epoch in range(EPOCHS):
        total, right, seen, started = 0.0, 0, 0, time.perf_counter()
        for batch, (x, y) in enumerate(train):
            out = model(x)
            loss = torch.nn.functional.cross_entropy(out, y)
            adam.zero_grad()
            loss.backward()
            adam.step()
            total, seen = total + float(loss) * len(x), seen + len(x)
            right += int((out.argmax(1) == y).sum())
            if batch % 4 == 0:
                took = (time.perf_counter() - started) / (batch + 1)
                print(
                    f"Epoch: [{epoch}][{batch:3d}/{len(train)}]\tTime {took:6.3f} ({took:6.3f})\tData  0.000 ( 0.000)"
                    f"\tLoss {float(loss):.4e} ({total / seen:.4e})\tAcc@1 {100 * right / seen:6.2f} "
                    f"({100 * right / seen:6.2f})"
                )
        with torch.no_grad():
            x, y = next(iter(held_out))
            out = model(x)
            held, acc = float(torch.nn.functional.cross_entropy(out, y)), float((out.argmax(1) == y).float().mean())
        print(
            f"Test: [0/1]\tTime  0.002 ( 0.002)\tLoss {held:.4e} ({held:.4e})"
            f"\tAcc@1 {100 * acc:6.2f} ({100 * acc:6.2f})"
        )
        print(f" *   Acc@1 {100 * acc:.3f}")


def timm_summary(fault: str, folder: Path) -> None:
    from timm.utils import update_summary

    for epoch, (train, held, accuracy) in enumerate(_epochs(fault)):
        update_summary(
            epoch, OrderedDict(loss=train), OrderedDict(loss=held, top1=100 * accuracy),
            str(folder / "summary.csv"), lr=cosine(fault, 3e-3, epoch / EPOCHS), write_header=epoch == 0,
        )  # fmt: skip


def tensorboard(fault: str, folder: Path) -> None:
    """A loop of one's own that writes scalars."""
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder / "runs")) as writer:
        for epoch, (train, held, accuracy) in enumerate(_epochs(fault)):
            writer.add_scalar("Loss/train", train, epoch)
            writer.add_scalar("Loss/test", held, epoch)
            writer.add_scalar("Accuracy/test", accuracy, epoch)


def wandb(fault: str, folder: Path) -> None:
    """Offline."""
    import wandb as library

    os.environ["WANDB_MODE"] = "offline"
    run = library.init(project="benchmark", dir=str(folder), settings=library.Settings(silent=True))
    for epoch, (train, held, accuracy) in enumerate(_epochs(fault)):
        rate = cosine(fault, 3e-3, epoch / EPOCHS)
        run.log({"epoch": epoch, "train/loss": train, "val/loss": held, "val/accuracy": accuracy, "lr": rate})
    run.finish()


def plain_prints(fault: str, folder: Path) -> None:
    """What tutorials print."""
    for epoch, (train, held, accuracy) in enumerate(_epochs(fault)):
        print(f"Epoch {epoch + 1}\n-------------------------------")
        print(f"Train loss: {train:>7f}")
        print(f"Test Error: \n Accuracy: {100 * accuracy:>0.1f}%, Avg loss: {held:>8f} \n")


def flax(fault: str, folder: Path) -> None:
    """A loop with optax in JAX."""
    import flax.linen as nn
    import jax
    import optax

    x, y, xv, yv = data(fault)
    if fault == "NaN":
        x[700] = np.inf
    wide = 256 if fault in ("overfit", "shuffled labels") else 16
    model = nn.Sequential([nn.Dense(wide), nn.relu, nn.Dense(2)])
    weights = model.init(jax.random.key(0), x[:1])
    adam = optax.adam(constant_rate(fault))
    state, rng = adam.init(weights), np.random.default_rng(0)

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(model.apply(weights, x), y).mean()

    @jax.jit
    def step(weights: Any, state: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
        updates, state = adam.update(gradients, state)
        return optax.apply_updates(weights, updates), state, loss

    for epoch in range(1, EPOCHS + 1):
        order, losses = rng.permutation(len(x)), []
        for start in range(0, len(x) - 63, 64):
            some = order[start : start + 64]
            weights, state, loss = step(weights, state, x[some], y[some])
            losses.append(float(loss))
        held = float(loss_of(weights, xv, yv))
        accuracy = float((np.argmax(model.apply(weights, xv), axis=1) == yv).mean())
        print(
            f"epoch: {epoch:3d}, train_loss: {np.mean(losses):.4f}, test_loss: {held:.4f}, "
            f"test_accuracy: {100 * accuracy:.2f}"
        )


def tinygrad(fault: str, folder: Path) -> None:
    """The bar of its MNIST example."""
    from tinygrad import Tensor, nn
    from tinygrad.helpers import trange

    x, y, xv, yv = data(fault)
    Tensor.manual_seed(0)
    one, two = nn.Linear(20, 16), nn.Linear(16, 2)

    def model(x: Any) -> Any:
        return two(one(x).relu())

    adam, accuracy = nn.optim.Adam(nn.state.get_parameters([one, two]), lr=rate_of(fault, 3e-3)), float("nan")
    xs, ys, xt = Tensor(x), Tensor(y.astype(np.int32)), Tensor(xv)
    with Tensor.train():
        for i in (bar := trange(70)):
            adam.zero_grad()
            loss = model(xs).sparse_categorical_crossentropy(ys).backward()
            adam.step()
            if i % 10 == 9:
                accuracy = 100 * float((model(xt).numpy().argmax(1) == yv).mean())
            bar.set_description(f"loss: {loss.item():6.2f} test_accuracy: {accuracy:5.2f}%")


def accelerate_json(fault: str, folder: Path) -> None:
    """JSON lines of a loop of one's own."""
    with (folder / "metrics.jsonl").open("w") as file:
        for epoch, (train, held, accuracy) in enumerate(_epochs(fault), start=1):
            row = {"epoch": epoch, "train": {"loss": train}, "valid": {"loss": held, "accuracy": accuracy}}
            file.write(json.dumps(row) + "\n")


def _loaders(fault: str) -> tuple[Any, Any]:
    import torch

    x, y, xv, yv = data(fault)
    if fault == "NaN":
        x[700] = np.inf
    sets = [torch.utils.data.TensorDataset(torch.tensor(a), torch.tensor(b)) for a, b in ((x, y), (xv, yv))]
    return torch.utils.data.DataLoader(sets[0], 64, shuffle=True), torch.utils.data.DataLoader(sets[1], 500)


def _epochs(fault: str) -> Iterator[tuple[float, float, float]]:
    """Training loss, held-out loss and held-out accuracy of each epoch of a plain loop."""
    import torch

    model, (train, held_out) = network(fault), _loaders(fault)
    adam = torch.optim.Adam(model.parameters(), rate_of(fault, 3e-3))
    for epoch in range(EPOCHS):
        for group in adam.param_groups:
            group["lr"] = cosine(fault, 3e-3, epoch / EPOCHS)
        losses = []
        for x, y in train:
            adam.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            adam.step()
            losses.append(float(loss))
        with torch.no_grad():
            x, y = next(iter(held_out))
            out = model(x)
            held = float(torch.nn.functional.cross_entropy(out, y))
            yield float(np.mean(losses)), held, float((out.argmax(1) == y).float().mean())


TRAINERS: dict[str, Callable[[str, Path], None]] = {
    "keras console": keras_console, "keras csv": keras_csv, "keras bar": keras_bar, "keras history": keras_history,
    "lightning": lightning, "lightning bar": lightning_bar, "lightning tensorboard": lightning_tensorboard,
    "fastai": fastai, "skorch": skorch, "ignite": ignite, "tabnet": tabnet, "pytorch example": imagenet_example,
    "pytorch tutorial": plain_prints, "timm summary": timm_summary, "tensorboard": tensorboard, "wandb offline": wandb,
    "flax loop": flax, "tinygrad bar": tinygrad, "json lines": accelerate_json,
}  # fmt: skip
