"""Windows follow the length of a log."""

from isang.logs.parsing.recognition import window_lines


def test_small_logs_make_many_small_windows_and_large_ones_the_usual() -> None:
    assert [window_lines(lines, 100) for lines in (50, 2_000, 6_000, 20_000, 90_000)] == [10, 10, 30, 100, 100]
    assert window_lines(6_000, 20) == 20
