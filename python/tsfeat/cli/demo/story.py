"""The demo as a story: one store's life, step by step, each step timed and told."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

import tsfeat
from tsfeat.cli.demo import reads
from tsfeat.cli.demo.data import COLUMNS, KEY, RAW_BYTES_PER_EVENT, SOURCE, TABLE, TIME, load_purchases
from tsfeat.cli.demo.size import ZSTD_LEVEL, parquet_bytes
from tsfeat.cli.demo.timing import timed
from tsfeat.cli.output import console, grid, human_bytes, human_seconds, progress
from tsfeat.cli.places import bytes_on_disk

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 20_000


class Story:
    """One run of the demo. Each step prints itself (unless quiet) and returns its figures."""

    def __init__(self, place: Path, kept: bool, quiet: bool) -> None:
        self.place, self.kept = place, kept
        self.out: Console = Console(quiet=True) if quiet else console()

    def run(self) -> dict[str, Any]:
        """All steps; returns every figure, for --json."""
        self.say_title()
        purchases, seconds = timed(load_purchases)
        document: dict[str, Any] = {"store": str(self.place) if self.kept else None}
        document["data"] = self.introduce(purchases, seconds)
        with tsfeat.open(self.place) as store:
            table = create(store)
            document["ingest"] = self.ingest(store, table, purchases)
            households = reads.pick_households(purchases[KEY].to_numpy())
            for step in (reads.single, reads.batch, reads.filtered, reads.past):
                document[step.__name__] = step(self, table, households)
            before = table.last_n(households, 200)
            _, closing = timed(store.close)
        document["size"] = self.compare_sizes(purchases)
        document.update(self.reopen(households, before, closing))
        self.say_goodbye()
        return document

    def heading(self, text: str) -> None:
        """Begins a step."""
        self.out.print()
        self.out.print(Rule(Text(text, style="bold"), align="left", style="dim"))

    def say(self, text: str) -> None:
        """A paragraph."""
        self.out.print(Padding(Text(text), (0, 0, 0, 2), expand=False))

    def show(self, rows: list[dict[str, Any]]) -> None:
        """A table, indented like the text."""
        self.out.print(Padding(grid(rows), (0, 0, 0, 1), expand=False))

    def introduce(self, purchases: "pa.Table", seconds: float) -> dict[str, Any]:
        """What the data is."""
        households = len(np.unique(purchases[KEY].to_numpy()))
        self.say(
            f"The data: {purchases.num_rows:,} real purchases of {households:,} households in one year (The Complete "
            f"Journey, 84.51°; read in {human_seconds(seconds)}). A household's purchases in time order are its "
            "sequence: what a recommender looks at before it decides what to show next."
        )
        return {"purchases": purchases.num_rows, "households": households, "seconds": seconds}

    def say_title(self) -> None:
        """One line on what this is."""
        self.out.print("tsfeat: event sequences on disk, as arrays", style="bold")

    def ingest(self, store: tsfeat.Store, table: tsfeat.Table, purchases: "pa.Table") -> dict[str, Any]:
        """Append in time order, as a stream would; a store kept from an earlier run goes on where that one stopped."""
        self.heading("1. Append them in the order they happened")
        done = table.position(SOURCE) or 0
        rest = purchases.slice(done)
        _, seconds = timed(partial(append_all, table, rest, done))
        _, merging = timed(partial(merge, store))
        if rest.num_rows:
            self.say(
                f"{rest.num_rows:,} events in {human_seconds(seconds)}, {rest.num_rows / seconds:,.0f} a second, in "
                f"batches of {BATCH_ROWS:,}, each through the log on disk. Then {human_seconds(merging)} to merge all "
                "into sorted runs, which otherwise happens in the background."
            )
        else:
            self.say("All there from an earlier run: the position kept with each batch says so. Nothing comes twice.")
        return {
            "events": rest.num_rows,
            "already": done,
            "batch_rows": BATCH_ROWS,
            "seconds": seconds,
            "merge_seconds": merging,
            "version": table.version,
        }

    def compare_sizes(self, purchases: "pa.Table") -> dict[str, Any]:
        """Bytes per event on disk, beside raw arrays and Parquet."""
        self.heading("6. What it costs on disk")
        events = purchases.num_rows
        sizes = {
            "raw arrays": events * RAW_BYTES_PER_EVENT,
            f"Parquet, zstd {ZSTD_LEVEL}": parquet_bytes(purchases),
            "tsfeat": bytes_on_disk(self.place)[1],
        }
        rows = [
            {"the same events as": name, "size": human_bytes(size), "bytes per event": f"{size / events:.2f}"}
            for name, size in sizes.items()
        ]
        self.show(rows)
        self.say("Parquet is sorted by household and time. tsfeat is every file of the store, arrival order included.")
        names = ("raw", "parquet_zstd", "tsfeat")
        figures = zip(names, sizes.values(), strict=True)
        return {name: {"bytes": size, "bytes_per_event": size / events} for name, size in figures}

    def reopen(self, households: Any, before: tsfeat.Sequences, closing: float) -> dict[str, Any]:
        """Open again, ask the same, check every byte."""
        self.heading("7. Close, open again, check every byte")
        store, opening = timed(lambda: tsfeat.open(self.place, mode="r"))
        with store:
            same = reads.equal(before, store.table(TABLE).last_n(households, 200))
            report, seconds = timed(store.verify)
        self.say(
            f"Closed in {human_seconds(closing)}, opened in {human_seconds(opening)}, and the batch of step 3 reads "
            f"{'the same, value by value' if same else 'DIFFERENTLY'}."
        )
        verdict = "no problems" if report.ok else f"{len(report.problems)} PROBLEMS: {report.problems}"
        checked = f"{report.files} files, {human_bytes(report.bytes)} read and checked in {human_seconds(seconds)}"
        self.say(f"Verify: {checked}: {verdict}.")
        verified = {
            "ok": report.ok,
            "files": report.files,
            "bytes": report.bytes,
            "seconds": seconds,
            "problems": [str(problem) for problem in report.problems],
        }
        return {"close_seconds": closing, "open_seconds": opening, "same_after_reopen": same, "verify": verified}

    def say_goodbye(self) -> None:
        """Where to go from here."""
        self.out.print()
        if self.kept:
            self.say("The store is kept. Try:")
            self.say(f"    tsfeat info {self.place}")
            self.say(f"""    tsfeat get {self.place} {TABLE} {reads.HOUSEHOLD} --where 'department == "DELI"'""")
        else:
            self.say("The store was temporary; `tsfeat demo --dir my-store` keeps one to try the other commands on.")


def create(store: tsfeat.Store) -> tsfeat.Table:
    """The demo's table, or the one that an earlier run has left."""
    return store.create_table(
        TABLE, key=(KEY, "uint64"), time=(TIME, "timestamp[s]"), columns=dict(COLUMNS), if_exists="open"
    )


def append_all(table: tsfeat.Table, rest: "pa.Table", done: int) -> None:
    """Every batch with its position, under a progress bar."""
    with progress("appending purchases", rest.num_rows) as advance:
        for batch in rest.combine_chunks().to_batches(max_chunksize=BATCH_ROWS):
            done += batch.num_rows
            table.append(batch, source=SOURCE, position=done)
            advance(batch.num_rows)


def merge(store: tsfeat.Store) -> None:
    """What the background does in its own time, now and to the end, so that the reads measure a settled store."""
    store.flush()
    store.compact()
