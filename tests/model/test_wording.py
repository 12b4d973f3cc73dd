"""Reworded templates are recognised, new ones are not taken for old ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.model.vocabulary import MARKS, UNSEEN, Vocabulary
from isang.model.wording import Wording, words
from tests.synthetic import shop_dataset

KNOWN = (
    "user <*> logged in from <*>",
    "user <*> logged out",
    "payment of <*> EUR accepted",
    "disk is full on <*>",
    "job started",
    "job stopped",
)
LEVELS = ("INFO", "INFO", "INFO", "ERROR", "INFO", "INFO")


@pytest.mark.parametrize(
    ("asked", "level", "expected"),
    [
        ("payment of <*> EUR was accepted", "INFO", 2),
        ("accepted payment: <*> EUR", "INFO", 2),
        ("UserService: user <*> logged out", "INFO", 1),
        ("disk is nearly full on <*>", "ERROR", 3),
        ("disk is nearly full on <*>", "INFO", None),  # another level is another event
        ("cannot reach <*>", "ERROR", None),
        ("job <*>", "INFO", None),  # as like to one as to the other
        ("<*> 17 <*>", "INFO", None),
        ("payment of <*> EUR refused", "INFO", None),  # a failure is no other wording of a success
        ("payment of <*> EUR was not accepted", "INFO", None),
        ("disk is full on <*> again, write refused", "ERROR", 3),  # that one tells of a failure too
    ],
)
def test_stand_ins_by_hand(asked: str, level: str, expected: int | None) -> None:
    assert Wording(KNOWN, LEVELS).most_similar(asked, level) == expected


@pytest.mark.parametrize(
    ("asked", "level", "expected"),
    [
        ("<*> EUR paid", "INFO", {1: "slots", 2: "stem slots"}),  # "paid" and "payment" begin alike
        ("session of <*> from <*> opened", "INFO", {0: "stem slots", 2: "stem"}),  # as many slots and a word
        ("session of <*> from <*> lost", "INFO", {}),  # no other one of that level tells of a failure
        ("disk <*>", "ERROR", {3: "stem slots"}),
        ("something else", "INFO", {4: "slots", 5: "slots"}),
    ],
)
def test_what_a_template_may_be_another_wording_of(asked: str, level: str, expected: dict[int, str]) -> None:
    found = Wording(KNOWN, LEVELS).likenesses(asked, level)
    said = {
        place: " ".join(name for name in ("stem", "slots") if getattr(likeness, name))
        for place, likeness in found.items()
    }
    assert {place: names for place, names in said.items() if names} == expected


@given(st.sampled_from(KNOWN), st.permutations(KNOWN[0].split()))
def test_the_share_of_words_is_that_which_the_most_similar_one_has(known: str, order: list[str]) -> None:
    wording = Wording(KNOWN, LEVELS)
    place = KNOWN.index(known)
    likeness = wording.likenesses(known, LEVELS[place])[place]
    assert likeness.words == pytest.approx(1)
    assert likeness.stem
    assert wording.likenesses(" ".join(order), "INFO")[0].words == pytest.approx(1)


def test_words_are_small_and_apart() -> None:
    assert words("NameSystem.addStoredBlock: block <*>, 3 blocks") == {
        "name": 1, "system": 1, "add": 1, "stored": 1, "block": 2, "blocks": 1,
    }  # fmt: skip


@given(st.permutations(KNOWN[0].split()))
def test_the_order_of_the_words_does_not_matter(order: list[str]) -> None:
    assert Wording(KNOWN, LEVELS).most_similar(" ".join(order), "INFO") == 0


def test_nothing_is_like_nothing() -> None:
    assert Wording((), ()).most_similar("anything", "INFO") is None


def test_a_vocabulary_lets_the_known_template_stand_in() -> None:
    """Of the synthetic shop's thirteen templates one is known reworded, another not at all."""
    dataset = shop_dataset(10)
    texts, levels = dataset.templates["template"].to_list(), dataset.templates["level"].to_list()
    vocabulary = Vocabulary(("now the bank confirmed it", *texts[2:7]), ("INFO", *levels[2:7]))
    tokens = vocabulary.tokens(dataset)
    assert tokens[7] == len(MARKS)
    assert tokens[2] == len(MARKS) + 1
    assert tokens[11] == UNSEEN


def test_a_vocabulary_that_goes_by_no_words_lets_none_stand_in() -> None:
    dataset = shop_dataset(10)
    texts, levels = dataset.templates["template"].to_list(), dataset.templates["level"].to_list()
    vocabulary = Vocabulary(("now the bank confirmed it", *texts[2:7]), ("INFO", *levels[2:7]), by_words=False)
    tokens = vocabulary.tokens(dataset)
    assert tokens[7] == UNSEEN
    assert tokens[2] == len(MARKS) + 1
