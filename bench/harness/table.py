"""The table: a line for each figure, a column for each system, in Markdown that is aligned for a terminal too."""

from __future__ import annotations

from collections.abc import Iterable

from harness.figures import FIGURES, Figure
from harness.report import Record, Report

OWN = ("tsfeat", "tsfeat 1 thread", "tsfeat engine")


def number(value: float) -> str:
    """Three significant digits, no exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def best_rival(figure: Figure, report: Report) -> Record | None:
    """The rival with the best value of a figure."""
    rivals = [
        record
        for record in report.records
        if (record.figure, record.unit) == (figure.name, figure.unit) and record.system not in OWN
    ]
    if not rivals:
        return None
    return (max if figure.higher else min)(rivals, key=lambda record: record.value)


def ratio(figure: Figure, report: Report) -> float | None:
    """How many times better tsfeat, through Python, is than the best rival."""
    own, rival = report.find(figure, "tsfeat"), best_rival(figure, report)
    if not figure.compared or own is None or rival is None or not own.value or not rival.value:
        return None
    return own.value / rival.value if figure.higher else rival.value / own.value


def cell(record: Record | None, with_p99: bool) -> str:
    if record is None:
        return ""
    text = number(record.value)
    if with_p99 and record.p99 is not None and record.runs > 1:
        text += f" ({number(record.p99)})"
    return text + ("*" if record.note.startswith("scaled") else "")


def goal_cell(figure: Figure, report: Report) -> str:
    own = report.find(figure, "tsfeat")
    goal = figure.goal if own is None else own.goal
    if goal is None:
        return ""
    text = f"{'>=' if figure.higher else '<='} {number(goal)}"
    if own is None:
        return text
    met = own.value >= goal if figure.higher else own.value <= goal
    return f"{text} {'met' if met else 'missed'}"


def label(figure: Figure) -> str:
    """The figure with its unit, where its name does not say it."""
    return figure.name if figure.unit in figure.name.split(", ")[-1:] else f"{figure.name} [{figure.unit}]"


def table(report: Report, more: Iterable[Figure] = ()) -> str:
    """All figures that were measured (`more`: those of a special run); p99 in brackets for tsfeat."""
    systems = list(dict.fromkeys(record.system for record in report.records))
    systems.sort(key=lambda name: OWN.index(name) if name in OWN else len(OWN))
    rows = [["figure", *systems, "ratio to the best rival", "goal"]]
    for figure in dict.fromkeys([*more, *FIGURES]):
        records = [report.find(figure, system) for system in systems]
        if not any(records):
            continue
        factor, rival = ratio(figure, report), best_rival(figure, report)
        rows.append(
            [
                label(figure),
                *(cell(record, system in OWN) for record, system in zip(records, systems, strict=True)),
                "" if factor is None or rival is None else f"{number(factor)} x ({rival.system})",
                goal_cell(figure, report),
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows)


def caption(report: Report) -> str:
    """What stands below the table."""
    lines = [
        f"Workload {report.workload!r}, {report.events:,} events. Medians; tsfeat's p99 in brackets. A ratio above 1 "
        "says that tsfeat is better. Memory is what the process allocated: mapped files do not count.",
        f"Commit {report.commit}; {report.machine}.",
    ]
    if any(record.note.startswith("scaled") for record in report.records):
        lines.append("* scaled from a part of the work: the whole would have taken too long.")
    lines += [f"Not measured: {system} ({reason})." for system, reason in report.missing.items()]
    lines += [f"Warning: {warning}" for warning in report.warnings]
    return "\n".join(lines)
