"""Opening stores for commands, and reading what users type: keys, moments, column lists."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import click

import tsfeat
from tsfeat.cli.output import Failure

store_argument = click.argument("store", type=click.Path(path_type=Path))
table_argument = click.argument("table")


@contextmanager
def opened(path: Path, mode: Literal["r", "w"] = "r", *, create: bool = False) -> Iterator[tsfeat.Store]:
    """An open store. A write open of what is no store fails, unless `create`: a mistyped path makes no directory."""
    if mode == "w" and not create:
        tsfeat.open(path, mode="r").close()
    with tsfeat.open(path, mode=mode) as store:
        yield store


def bytes_on_disk(path: Path) -> tuple[int, int]:
    """Number and total size of the files under a directory."""
    sizes = []
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                sizes.append(os.stat(os.path.join(folder, name), follow_symlinks=False).st_size)
            except FileNotFoundError:  # a running writer removes files
                continue
    return len(sizes), sum(sizes)


def parse_keys(texts: tuple[str, ...], key_type: str) -> list[Any]:
    """Keys as typed, in the table's key type. A binary key is UTF-8 text, or hexadecimal after `0x`."""
    if key_type in ("int64", "uint64"):
        return [parse_integer_key(text, key_type) for text in texts]
    if key_type == "binary":
        return [parse_binary_key(text) for text in texts]
    return list(texts)


def parse_integer_key(text: str, key_type: str) -> int:
    """An integer within the key type's range."""
    low, high = (-(2**63), 2**63 - 1) if key_type == "int64" else (0, 2**64 - 1)
    try:
        value = int(text)
    except ValueError:
        raise Failure(f"key {text!r} is not an integer; the table's keys are {key_type}") from None
    if not low <= value <= high:
        raise Failure(f"key {text} is outside {key_type}")
    return value


def parse_binary_key(text: str) -> bytes:
    """`0x` and hexadecimal digits, or else the text's UTF-8."""
    if not text.startswith("0x"):
        return text.encode()
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        raise Failure(f"key {text!r} starts with 0x but is not hexadecimal") from None


def parse_moment(text: str | None) -> int | str | None:
    """An integer in the table's unit, or ISO 8601 text, which the library reads."""
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        return text


def split_names(texts: tuple[str, ...]) -> list[str] | None:
    """`("a,b", "c")` -> `["a", "b", "c"]`; None when the option was not given."""
    names = [name.strip() for text in texts for name in text.split(",")]
    return [name for name in names if name] or None
