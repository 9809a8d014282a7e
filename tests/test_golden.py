"""Old formats: golden stores read as they always did, their damaged twins are refused, and so is a newer format."""

from __future__ import annotations

import json
import shutil
import struct

import pytest

import tsfeat
from tests.format.primitives import crc32c
from tests.golden.answers import answers
from tests.golden.make import HERE

STORES = ("closed", "open")


@pytest.fixture
def copy_of(tmp_path):
    """A golden store as a copy that may be changed."""

    def copy(name):
        target = tmp_path / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(HERE / name, target)
        return target

    return copy


def expected(name):
    return json.loads((HERE / "answers.json").read_text(encoding="utf-8"))[name]


@pytest.mark.parametrize("name", STORES)
def test_a_golden_store_answers_as_it_did(name):
    before = {path: path.read_bytes() for path in (HERE / name).iterdir()}
    with tsfeat.open(HERE / name, "r") as store:
        assert json.loads(json.dumps(answers(store))) == expected(name)
        assert store.verify().ok
    assert {path: path.read_bytes() for path in (HERE / name).iterdir()} == before


@pytest.mark.parametrize("name", STORES)
def test_a_golden_store_can_be_written_on(copy_of, name):
    path = copy_of(name)
    with tsfeat.open(path) as store:
        assert json.loads(json.dumps(answers(store))) == expected(name)
        store.compact()
    with tsfeat.open(path, "r") as store:
        assert json.loads(json.dumps(answers(store))) == expected(name)


def test_damaged_twins_raise_or_answer_as_if_whole(copy_of):
    """Bytes that count raise. A bit in a log's seal may be harmless: the other seal stands in for it."""
    raised = 0
    for damage in json.loads((HERE / "damage.json").read_text(encoding="utf-8")):
        path = copy_of(damage["store"])
        content = bytearray((path / damage["file"]).read_bytes())
        content[damage["offset"]] ^= 0x10
        (path / damage["file"]).write_bytes(content)
        try:
            with tsfeat.open(path, "r") as store:
                found = json.loads(json.dumps(answers(store)))
        except tsfeat.CorruptionError as error:
            message = str(error)
        else:
            assert not damage["file"].endswith(".run"), damage
            assert found == expected(damage["store"]), damage
            continue
        assert damage["file"] in message, damage
        raised += 1
    assert raised > 20


def newer_manifest(content):
    head = content[:8] + struct.pack("<I", struct.unpack_from("<I", content, 8)[0] + 1)
    body = head + struct.pack("<I", crc32c(head)) + content[16:-4]
    return body + struct.pack("<I", crc32c(body))


def newer_log(content):
    head = bytearray(content[:32])
    struct.pack_into("<I", head, 8, struct.unpack_from("<I", head, 8)[0] + 1)
    return bytes(head) + struct.pack("<I", crc32c(bytes(head))) + content[36:]


def newer_run(content):
    footer = bytearray(content[-136:])
    version = struct.unpack_from("<I", footer, 124)[0] + 1
    struct.pack_into("<I", footer, 124, version)
    struct.pack_into("<I", footer, 120, crc32c(bytes(footer[:120]) + struct.pack("<I", version)))
    return content[:-136] + bytes(footer)


@pytest.mark.parametrize(
    ("pattern", "newer"), [("MANIFEST", newer_manifest), ("*.log", newer_log), ("*.run", newer_run)]
)
def test_a_newer_format_is_refused_and_says_what_to_do(copy_of, pattern, newer):
    path = copy_of("open")
    file = sorted(path.glob(pattern))[-1]
    changed = newer(file.read_bytes())
    file.write_bytes(changed)
    with pytest.raises(tsfeat.StorageError, match=r"newer tsfeat") as raised, tsfeat.open(path, "r") as store:
        answers(store)
    assert file.name in str(raised.value)
    with pytest.raises(tsfeat.StorageError, match=r"newer tsfeat"), tsfeat.open(path) as store:
        answers(store)
    assert file.read_bytes() == changed, "a file that is not understood stays as it is"
