"""What the user should know before trusting a dataset, one sentence each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from isang.languages import Both
from isang.logs.parsing.layouts import registered
from isang.logs.templates.miner import OVERFLOW

if TYPE_CHECKING:
    from isang.logs.account import SourceAccount

_MANY_CONTINUED = 0.5
_MOST_ALIKE = 3
"""Logs of which the same is said, one by one."""
_NUMBER = re.compile(r"[\d,]+")
_MANY_WITHOUT_KEY = 0.2


def warnings_of(
    meta: Mapping[str, Any],
    accounts: Sequence["SourceAccount"],
    skipped: Mapping[str, str],
    templates: pl.DataFrame,
) -> list[Both]:
    """`meta`: the counts of lines, `config` and `rules` of meta.json; `skipped`: files that were left out, and why."""
    found = [Both(f"left out: {reason}", f"제외한 파일: {reason}") for reason in skipped.values()]
    for each in (_of_damage, _of_doubts, _of_unknown_layouts, _of_continued):
        found += _of_logs([(account.source.name, said) for account in accounts for said in each(account)])
    return [*found, *_of_lines(meta), *_of_templates(meta, templates)]


def _of_logs(said: Sequence[tuple[str, Both]]) -> Iterator[Both]:
    """Sentences on single logs with the names of these; of many that differ in numbers alone, the first few."""
    alike: dict[str, list[tuple[str, Both]]] = {}
    for name, sentence in said:
        alike.setdefault(_NUMBER.sub("", sentence.en), []).append((name, sentence))
    for group in alike.values():
        for name, sentence in group[:_MOST_ALIKE]:
            yield Both(f"{name}: {sentence.en}", f"{name}: {sentence.ko}")
        more = len(group) - _MOST_ALIKE
        if more > 0:
            yield Both(
                f"the same of {more} more {'log' if more == 1 else 'logs'}, such as {group[-1][0]}",
                f"{group[-1][0]} 등 로그 {more}개도 같습니다",
            )


def _of_damage(account: "SourceAccount") -> Iterator[Both]:
    if account.read.damage is not None:
        yield account.read.damage


def _of_doubts(account: "SourceAccount") -> Iterator[Both]:
    yield from account.layout.doubts


def _of_unknown_layouts(account: "SourceAccount") -> Iterator[Both]:
    lines = account.read.lines
    for layout, share in account.layout.unknown:
        some = f"{round(share * lines):,}"
        yield Both(
            f"about {some} of {lines:,} lines are read by the layout {layout.name}, which the model was not trained "
            "with; if it is of the same program, give --layout",
            f"{lines:,}줄 중 약 {some}줄은 모델이 학습하지 않은 레이아웃({layout.name})으로 읽었습니다. 같은 "
            "프로그램의 로그라면 --layout을 주세요",
        )


def _of_continued(account: "SourceAccount") -> Iterator[Both]:
    first, lines = account.layout.layouts[0][0].name, account.read.lines
    if first in {layout.name for layout in registered() if layout.heading}:
        return
    others = account.continued + account.not_matched
    if others > _MANY_CONTINUED * max(1, lines):
        yield Both(
            f"{others:,} of {lines:,} lines do not begin a record in the layout {first}; if that is wrong, give "
            "--layout",
            f"{lines:,}줄 중 {others:,}줄은 레이아웃 {first}에서 새 레코드를 시작하지 않습니다. 틀리면 --layout을 "
            "주세요",
        )


def _of_lines(meta: Mapping[str, Any]) -> Iterator[Both]:
    lines, without_key = max(1, meta["lines"]), meta["without_key"]
    if without_key > _MANY_WITHOUT_KEY * lines:
        yield Both(
            f"{without_key:,} of {lines:,} lines name no session key and are in no session",
            f"{lines:,}줄 중 {without_key:,}줄에는 세션 키가 없어 어느 세션에도 속하지 않습니다",
        )
    if meta["not_decoded"]:
        yield Both(
            f"bytes of no known encoding were replaced in {_counted(meta['not_decoded'])}; if they are letters, name "
            "the encoding, such as --encoding cp949",
            f"{meta['not_decoded']:,}줄에서 인코딩을 알 수 없는 바이트를 대체 문자로 바꾸었습니다. 글자라면 --encoding "
            "cp949처럼 인코딩을 알려 주세요",
        )
    if meta["cut"]:
        most = f"{meta['config']['max_line_bytes']:,}"
        yield Both(
            f"{_counted(meta['cut'])} longer than {most} bytes {'was' if meta['cut'] == 1 else 'were'} cut",
            f"{meta['cut']:,}줄이 {most}바이트보다 길어 뒤를 잘랐습니다",
        )


def _counted(lines: int) -> str:
    """`1 line`, `2 lines`."""
    return f"{lines:,} {'line' if lines == 1 else 'lines'}"


def _of_templates(meta: Mapping[str, Any], templates: pl.DataFrame) -> Iterator[Both]:
    overflow = templates.filter(pl.col("template") == OVERFLOW)
    if overflow.height:
        messages, most = f"{overflow['count'].sum():,}", f"{meta['rules']['max_templates']:,}"
        yield Both(
            f"{messages} messages fit none of the first {most} templates and are all {OVERFLOW}; mask what varies in "
            "them with --mask",
            f"메시지 {messages}개가 처음 {most}개의 템플릿에 맞지 않아 모두 {OVERFLOW} 하나로 묶였습니다. 달라지는 "
            "부분을 --mask로 가려 주세요",
        )
    if templates.height == 1:
        yield Both(
            "all lines follow one template; there is no order of events to learn",
            "모든 줄이 한 템플릿입니다. 배울 이벤트 순서가 없습니다",
        )
