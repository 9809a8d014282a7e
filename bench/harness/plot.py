"""Plots of a run. The only module that needs matplotlib."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from harness import session
from harness.sweeps import Series, Sweeps

OWN = {"tsfeat": "#c1272d", "tsfeat 1 thread": "#e8998d", "tsfeat engine": "#f28e2b"}
RIVALS = ["#1f5fa8", "#4f9bd9", "#2a9d8f", "#76b7b2", "#59802f", "#8cba51", "#6a4c93", "#b07aa1", "#7f7f7f", "#bcbd22"]


def draw(run: session.Run, sweeps: Sweeps, directory: Path) -> None:
    """Writes one PNG for each question."""
    directory.mkdir(parents=True, exist_ok=True)
    colours = _colours([*run.builds, *sweeps.by_length])
    title = f"{run.workload.name}, {run.workload.events:,} events"
    _lines(
        sweeps.by_length, colours, f"Last N of one user: {title}", "N", "µs (median)", directory / "latency_by_n.png"
    )
    _lines(
        sweeps.by_batch,
        colours,
        f"Last 200 of a batch of users: {title}",
        "users in a batch",
        "µs (median)",
        directory / "latency_by_batch.png",
    )
    if sweeps.by_size:
        _lines(
            sweeps.by_size,
            colours,
            f"Last 200 of one user, by data size: {run.workload.name}",
            "events in the store",
            "µs (median)",
            directory / "latency_by_size.png",
        )
    _ingest(run, colours, f"Ingest in batches of 1,000: {title}", directory / "ingest_over_time.png")
    _columns(sweeps.columns, f"Bytes an event by column: {run.workload.name}", directory / "bytes_by_column.png")


def _colours(names: Iterable[str]) -> dict[str, str]:
    rivals = [name for name in dict.fromkeys(names) if name not in OWN]
    return OWN | {name: RIVALS[index % len(RIVALS)] for index, name in enumerate(rivals)}


def _axes(title: str, x: str, y: str) -> tuple[Any, Any]:
    figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Any, axes: Any, path: Path) -> None:
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _style(name: str, colours: dict[str, str]) -> dict[str, Any]:
    own = name in OWN
    return {"label": name, "color": colours[name], "linewidth": 2.4 if own else 1.2, "zorder": 3 if own else 2}


def _lines(series: Series, colours: dict[str, str], title: str, x: str, y: str, path: Path) -> None:
    """Points on logarithmic axes."""
    figure, axes = _axes(title, x, y)
    for name, points in series.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3.5, **_style(name, colours))
    axes.set_xscale("log")
    axes.set_yscale("log")
    _save(figure, axes, path)


def _ingest(run: session.Run, colours: dict[str, str], title: str, path: Path) -> None:
    """The rate of each twentieth of the events: a steady store is level, a stall is a dip."""
    figure, axes = _axes(title, "M events appended", "M events/s")
    for name, builds in run.builds.items():
        points = builds[0]["progress"] if builds else []
        step = max(1, len(points) // 20)
        marks = points[::step]
        pairs = list(itertools.pairwise(marks))
        rates = [(after[1] - before[1]) / 1e6 / max(after[0] - before[0], 1e-9) for before, after in pairs]
        if rates:
            axes.plot([after[1] / 1e6 for _, after in pairs], rates, **_style(name, colours))
    axes.set_yscale("log")
    _save(figure, axes, path)


def _columns(columns: list[tuple[str, float, float]], title: str, path: Path) -> None:
    """Two bars a column: as a raw array, and in tsfeat."""
    figure, axes = _axes(title, "", "bytes an event")
    places = range(len(columns))
    axes.bar(
        [place - 0.2 for place in places], [raw for _, raw, _ in columns], 0.38, color="#b9c4d0", label="raw array"
    )
    bars = axes.bar([place + 0.2 for place in places], [kept for _, _, kept in columns], 0.38, color=OWN["tsfeat"])
    bars.set_label("tsfeat")
    axes.bar_label(bars, fmt="%.2f", fontsize=8, padding=2)
    axes.set_xticks(list(places), [name for name, _, _ in columns], rotation=0 if len(columns) < 9 else 90)
    axes.grid(False, axis="x")
    _save(figure, axes, path)


def growth(costs: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """Every figure's cost against that of the smallest store, beside the logarithm of the data."""
    figure, axes = _axes("Cost by events in the store, relative to the smallest", "events", "times the cost")
    colours = plt.get_cmap("tab20").colors
    for index, (name, points) in enumerate(costs.items()):
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3.5, color=colours[index % 20], label=name)
    sizes = sorted({events for points in costs.values() for events, _ in points})
    if sizes:
        law = [math.log(events) / math.log(sizes[0]) for events in sizes]
        axes.plot(sizes, law, color="black", linewidth=2.5, linestyle="--", label="the logarithm of the data")
    axes.set_xscale("log")
    axes.set_yscale("log")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.set_size_inches(12, 6)
    _save(figure, axes, path)
