"""`python -m isang` is the same as `isang`."""

from isang.cli import main

main()
