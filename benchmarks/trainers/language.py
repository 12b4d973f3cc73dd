"""Language models and texts: transformers, TRL, spaCy, fastText."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import rate_of


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


def _arguments(kind: Any, fault: str, folder: Path, steps: int, save: str = "no") -> Any:
    plan: dict[str, Any] = {"num_cycles": 0.5 / 0.6} if fault == "T_max short" else {}
    return kind(
        output_dir=str(folder / "out"), max_steps=steps, logging_steps=5, eval_strategy="steps", eval_steps=30,
        save_strategy=save, save_steps=steps, per_device_train_batch_size=16, learning_rate=rate_of(fault, 3e-3),
        use_cpu=True, lr_scheduler_type="cosine", lr_scheduler_kwargs=plan, warmup_steps=20, report_to="none",
        seed=0,
    )  # fmt: skip


def transformers(fault: str, folder: Path, save: str = "no") -> None:
    import torch
    from transformers import Trainer, TrainingArguments

    train, held_out = _walks(fault)
    rows, others = ([{"input_ids": torch.tensor(r), "labels": torch.tensor(r)} for r in s] for s in (train, held_out))
    arguments = _arguments(TrainingArguments, fault, folder, 400, save)
    Trainer(model=_language_model(fault), args=arguments, train_dataset=rows, eval_dataset=others).train()


def trl_sft(fault: str, folder: Path) -> None:
    import datasets
    from trl import SFTConfig, SFTTrainer

    tokenizer = _tokenizer()
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


def spacy(fault: str, folder: Path) -> None:
    _spacy(fault, folder, "textcat")


def _spacy(fault: str, folder: Path, pipe: str) -> None:
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
            if pipe == "ner":
                doc.ents = [library.tokens.Span(doc, 2, 3, "GOOD" if positive else "BAD")]
            doc.cats = {"POSITIVE": float(positive), "NEGATIVE": float(not positive)}
            kept.add(doc)
        kept.to_disk(folder / f"{name}.spacy")
    config = library.util.load_config(_spacy_config(folder, pipe))
    config["training"]["optimizer"]["learn_rate"] = rate_of(fault, 1e-3)
    (folder / "model").mkdir()
    train_loop(init_nlp(config), folder / "model")


def _spacy_config(folder: Path, pipe: str) -> Path:
    from spacy.cli.init_config import init_config

    config = init_config(lang="en", pipeline=[pipe], optimize="efficiency", gpu=False)
    config["paths"]["train"], config["paths"]["dev"] = str(folder / "train.spacy"), str(folder / "dev.spacy")
    config["training"]["max_steps"], config["training"]["eval_frequency"] = 400, 20
    config["training"]["logger"]["progress_bar"] = False
    path = folder / "config.cfg"
    config.to_disk(path)
    return path


def transformers_state(fault: str, folder: Path) -> None:
    """`trainer_state.json` of the last checkpoint."""
    transformers(fault, folder, save="steps")


def trl_dpo(fault: str, folder: Path) -> None:
    import datasets
    from trl import DPOConfig, DPOTrainer

    tokenizer = _tokenizer()
    rng = np.random.default_rng(0)
    rows: dict[str, list[str]] = {"prompt": [], "chosen": [], "rejected": []}
    for _ in range(320):
        start = int(rng.integers(0, 40))
        good = [" ".join(f"w{start + 1 + i}" for i in range(4)), " ".join(f"w{i}" for i in rng.integers(0, 48, 4))]
        rows["prompt"].append(f"w{start} ")
        swap = fault == "shuffled labels" and rng.random() < 0.5
        rows["chosen"].append(good[swap])
        rows["rejected"].append(good[not swap])
    arguments = _arguments(DPOConfig, fault, folder, 120)
    arguments.bf16, arguments.logging_steps, arguments.eval_strategy = False, 2, "no"
    model = _language_model(fault)
    model.save_pretrained(folder / "base")
    DPOTrainer(
        model=model, args=arguments, train_dataset=datasets.Dataset.from_dict(rows), processing_class=tokenizer
    ).train()


def trl_grpo(fault: str, folder: Path) -> None:
    """The reward is the share of one word in what is written."""
    import datasets
    from trl import GRPOConfig, GRPOTrainer

    def reward(completions: list[str], **_: Any) -> list[float]:
        return [text.split().count("w7") / max(len(text.split()), 1) for text in completions]

    prompts = datasets.Dataset.from_dict({"prompt": [f"w{i % 48}" for i in range(400)]})
    arguments = GRPOConfig(
        output_dir=str(folder / "out"), max_steps=60, logging_steps=1, per_device_train_batch_size=16, use_cpu=True,
        num_generations=8, max_completion_length=8, learning_rate=rate_of(fault, 2e-3), report_to="none", seed=0,
        save_strategy="no", bf16=False, beta=0.01,
    )  # fmt: skip
    model = _language_model("none")
    model.save_pretrained(folder / "base")
    GRPOTrainer(
        model=model, reward_funcs=reward, args=arguments, train_dataset=prompts, processing_class=_tokenizer()
    ).train()


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {f"w{i}": i for i in range(48)} | {"<unk>": 48, "<pad>": 49}
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, unk_token="<unk>", pad_token="<pad>", eos_token="<pad>", padding_side="left"
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    return tokenizer


def nano_gpt(fault: str, folder: Path) -> None:
    """The console of nanoGPT's training script."""
    import torch

    model, (train, held_out) = _language_model(fault), _walks(fault)
    adam, rng = torch.optim.AdamW(model.parameters(), rate_of(fault, 3e-3)), np.random.default_rng(0)
    for step in range(401):
        if step % 25 == 0:
            with torch.no_grad():
                found = [float(model(x := torch.tensor(rows[:40]), labels=x).loss) for rows in (train, held_out)]
            print(f"step {step}: train loss {found[0]:.4f}, val loss {found[1]:.4f}")
        x = torch.tensor(train[rng.integers(0, len(train), 16)])
        loss = model(x, labels=x).loss
        adam.zero_grad()
        loss.backward()
        adam.step()
        if step % 5 == 0:
            print(f"iter {step}: loss {float(loss):.4f}, time 12.31ms, mfu 0.02%")


def spacy_ner(fault: str, folder: Path) -> None:
    _spacy(fault, folder, "ner")


def fasttext(fault: str, folder: Path) -> None:
    import fasttext as library

    rng = np.random.default_rng(0)
    words = (("fine", "great", "lovely", "good"), ("poor", "awful", "bad", "dull"))
    rows = []
    for _ in range(2000):
        kind = int(rng.random() < 0.5)
        said = int(rng.random() < 0.5) if fault == "shuffled labels" else kind
        rows.append(f"__label__{said} it was {rng.choice(words[kind])} and {rng.choice(('long', 'short'))}")
    (folder / "train.txt").write_text("\n".join(rows) + "\n")
    library.train_supervised(str(folder / "train.txt"), lr=rate_of(fault, 0.05), epoch=40, dim=8, thread=1, verbose=2)


TRAINERS: dict[str, Callable[[str, Path], None]] = {
    "transformers": transformers, "transformers state": transformers_state, "trl sft": trl_sft, "trl dpo": trl_dpo,
    "trl grpo": trl_grpo, "nanogpt": nano_gpt, "spacy": spacy, "spacy ner": spacy_ner, "fasttext": fasttext,
}  # fmt: skip
