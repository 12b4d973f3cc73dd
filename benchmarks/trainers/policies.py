"""Policies: Stable-Baselines3."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import rate_of


def stable_baselines(fault: str, folder: Path) -> None:
    from stable_baselines3 import PPO

    rate = rate_of(fault, 1e-3)
    PPO(
        "MlpPolicy", "CartPole-v1", verbose=1, seed=0, n_steps=256, batch_size=64, learning_rate=rate, device="cpu"
    ).learn(15_000)


def _small(kind: str, fault: str, folder: Path, **given: Any) -> Any:
    import stable_baselines3 as sb

    rate = rate_of(fault, given.pop("rate"))
    env = given.pop("env", "CartPole-v1")
    return getattr(sb, kind)("MlpPolicy", env, verbose=1, seed=0, learning_rate=rate, device="cpu", **given)


def dqn(fault: str, folder: Path) -> None:
    _small("DQN", fault, folder, rate=1e-3, learning_starts=500, train_freq=8, exploration_fraction=0.3).learn(12_000)


def a2c_csv(fault: str, folder: Path) -> None:
    from stable_baselines3.common.logger import configure

    model = _small("A2C", fault, folder, rate=7e-4)
    model.set_logger(configure(str(folder), ["csv", "json"]))
    model.learn(20_000)


def ppo_tensorboard(fault: str, folder: Path) -> None:
    _small("PPO", fault, folder, rate=1e-3, n_steps=256, tensorboard_log=str(folder / "tb")).learn(15_000)


def sac(fault: str, folder: Path) -> None:
    _small("SAC", fault, folder, rate=1e-3, env="Pendulum-v1", train_freq=2, batch_size=64).learn(8_000, log_interval=1)


TRAINERS: dict[str, Callable[[str, Path], None]] = {
    "stable-baselines": stable_baselines, "stable-baselines dqn": dqn, "stable-baselines a2c csv": a2c_csv,
    "stable-baselines tensorboard": ppo_tensorboard, "stable-baselines sac": sac,
}  # fmt: skip
