"""What both examples do with their model: train it twice, from the store and from fat rows, compare, then serve."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

import tsfeat
from journey import DAY, TRAINED_UNTIL, Baskets, Journey, fill, load
from tsfeat.training import Batch, SequenceDataset

Labels = dict[str, np.ndarray]
Metrics = dict[str, float]
SEED = 7


class FatRows:
    """The same batches from a Parquet file in which every label carries its copy of the history.

    It is read into memory as a whole, as the labels are for the loader; the order is the loader's.
    """

    def __init__(self, path: Path, batch_size: int, shuffle: bool) -> None:
        self.table = pq.read_table(path).combine_chunks()
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.epoch = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rows = np.arange(len(self.table))
        if self.shuffle:
            rows = np.random.default_rng([SEED, self.epoch]).permutation(len(rows))
        self.epoch += 1
        for start in range(0, len(rows), self.batch_size):
            yield self.batch(self.table.take(rows[start : start + self.batch_size]).combine_chunks())

    def batch(self, part: pa.Table) -> dict[str, Any]:
        made = {}
        for name in part.column_names:
            if not name.startswith("history."):
                made[name] = tensor(part[name])
        # Candidates of one request stand side by side: the model need not work on their histories one by one.
        new = torch.ones(len(part), dtype=torch.bool)
        new[1:] = (made["household"][1:] != made["household"][:-1]) | (made["ts"][1:] != made["ts"][:-1])
        made["inverse"] = new.cumsum(0) - 1
        for name in ("history.product", "history.ts"):
            lists = part[name].chunk(0).take(pa.array(np.flatnonzero(new)))
            made[name], made["history.offsets"] = tensor(lists.flatten()), tensor(lists.offsets)
        return made


def tensor(values: pa.Array | pa.ChunkedArray) -> torch.Tensor:
    """As the loader gives it: keys and times (in seconds, which Parquet keeps as milliseconds) as int64."""
    array = values.to_numpy()
    array = array.astype("M8[s]") if array.dtype.kind == "M" else array
    return torch.from_numpy(np.array(array.view(np.int64) if array.dtype.kind in "uM" else array))


@dataclass
class Source:
    """A way to keep training rows, and what it costs."""

    name: str
    bytes: int
    write: float
    read: float
    train: float | None


@dataclass
class Task:
    """What an example gives: its model, labels to train on, requests to serve, and how to judge the scores."""

    make: Callable[[], torch.nn.Module]
    labels: Labels
    shuffle: bool
    batch_size: int
    epochs: int
    learning_rate: float
    requests: Baskets
    evaluate: Callable[[torch.nn.Module, tsfeat.Sequences], Metrics]
    popularity: Metrics


def run(prepare: Callable[[Journey], Task]) -> None:
    """The whole example, in a temporary directory."""
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # the models are small, and sums have one order on every machine
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        journey = load()
        task = prepare(journey)
        with tsfeat.open(folder / "store") as store:
            view = fill(store, journey)
            sources, models = compare(folder, store, view, task)
            served = serve(folder, view, store.table("purchases"), journey, task)
            store.compact()
        with tsfeat.open(folder / "store", "r") as store:  # after a compaction and a restart
            rebuilt = check(folder, store, served, task)
        metrics = [task.evaluate(model, rebuilt) for model in models]
        show(sources, metrics, task, size(folder / "store"))
        weights = [torch.cat([each.detach().flatten() for each in model.parameters()]) for model in models]
        equal = int((weights[0] == weights[1]).sum())
        print(
            f"weights of the two models: {share(equal, len(weights[0]))} of {len(weights[0]):,} are equal, bit for bit"
        )


def compare(
    folder: Path, store: tsfeat.Store, view: tsfeat.View, task: Task
) -> tuple[list[Source], list[torch.nn.Module]]:
    """The ways to keep training rows, and the models that are trained from the first two."""
    labels = pa.table(task.labels)
    kept, fat, log = (folder / name for name in ("labels.parquet", "fat.parquet", "pointers.parquet"))
    write_kept = timed(lambda: pq.write_table(labels, kept, compression="zstd"))
    write_fat = timed(lambda: write_fat_rows(view, labels, fat))
    requests = pa.table(task.labels).select(["household", "ts"]).group_by(["household", "ts"]).aggregate([])
    write_log = timed(lambda: write_pointers(view.read(requests["household"], before=requests["ts"]), log))

    def from_store() -> Any:
        dataset = SequenceDataset(
            read_labels(kept), {"history": view}, task.batch_size,
            key="household", before="ts", shuffle=task.shuffle, seed=SEED,
        )  # fmt: skip
        return torch.utils.data.DataLoader(dataset.torch(), batch_size=None)

    def from_fat_rows() -> FatRows:
        return FatRows(fat, task.batch_size, task.shuffle)

    sources, models = [], []
    for name, path, write, batches in (
        ("labels + store", kept, write_kept, from_store),
        ("fat rows", fat, write_fat, from_fat_rows),
    ):
        read = timed(lambda batches=batches: list(batches()))
        model, seconds = train(task, batches())
        models.append(model)
        sources.append(Source(name, size(path), write, read, seconds))
    replay = timed(lambda: store.replay(pq.read_table(log)))
    sources.append(Source("labels + pointers + store", size(kept) + size(log), write_kept + write_log, replay, None))
    return sources, models


def train(task: Task, batches: Any) -> tuple[torch.nn.Module, float]:
    """A model from its first weights, which follow from the seed."""
    torch.manual_seed(SEED)
    model = task.make()
    optimizer = torch.optim.Adam(model.parameters(), task.learning_rate)
    began = time.perf_counter()
    for _ in range(task.epochs):
        for batch in batches:
            optimizer.zero_grad()
            model.loss(batch).backward()
            optimizer.step()
    return model, time.perf_counter() - began


def serve(folder: Path, view: tsfeat.View, purchases: tsfeat.Table, journey: Journey, task: Task) -> pa.Table:
    """The weeks after training: requests come all day; the purchases of a day arrive in the night after it.

    Each answer is remembered by its pointers alone, which go to a log; what is returned is for the comparison.
    """
    requests, served, pointers = task.requests, [], []
    days = np.arange(TRAINED_UNTIL, journey.moment[-1] + DAY, DAY)
    for day, rows in zip(
        days, np.split(np.arange(len(requests)), np.searchsorted(requests.moment, days[1:])), strict=True
    ):
        seqs = view.read(requests.household[rows], before=requests.moment[rows])
        served.append(seqs.to_arrow())
        pointers.append(seqs.pointers().to_arrow())
        purchases.append(journey.part(day, day + DAY))
    pq.write_table(pa.concat_tables(pointers), folder / "served.parquet")
    return pa.concat_tables(served)


def check(folder: Path, store: tsfeat.Store, served: pa.Table, task: Task) -> tsfeat.Sequences:
    """Rebuilds what was served, from its pointers, and compares."""
    log = pq.read_table(folder / "served.parquet")
    rebuilt = store.replay(log)
    again = store.view("history").read(task.requests.household, before=task.requests.moment)
    print(f"served: {len(served):,} requests; their pointers: {len(log) * 64:,} bytes")
    for how, features in (("from the pointers", rebuilt), ("by time alone", again)):
        found = tsfeat.diff(served, features)
        print(f"  rebuilt {how}: {share(found.rows_equal, len(served))} of the rows are equal to what was served")
    return rebuilt


def features(served: tsfeat.Sequences, labels: Labels, inverse: np.ndarray | None = None) -> dict[str, Any]:
    """What the model takes, of an answer: as the loader makes it of labels."""
    rows = np.arange(len(labels["ts"]))
    return Batch(labels, {"history": served}, rows if inverse is None else inverse, rows, 0, 0).to_torch()


def read_labels(path: Path) -> pa.Table:
    """Labels from Parquet, which has no seconds: it gives milliseconds back."""
    labels = pq.read_table(path)
    place = labels.schema.get_field_index("ts")
    return labels.set_column(place, "ts", labels["ts"].cast(pa.timestamp("s")))


def write_fat_rows(view: tsfeat.View, labels: pa.Table, path: Path) -> None:
    """Each label with its history, in batches."""
    joined = pa.RecordBatchReader.from_stream(view.join(labels, key="household", before="ts"))
    with pq.ParquetWriter(path, joined.schema, compression="zstd") as writer:
        for batch in joined:
            writer.write_batch(batch)


def write_pointers(served: tsfeat.Sequences, path: Path) -> None:
    """What was read, as 64 bytes a row before compression."""
    pq.write_table(served.pointers().to_arrow(), path, compression="zstd")


def size(path: Path) -> int:
    """Bytes of a file, or of the files in a directory."""
    return sum(each.stat().st_size for each in (path.rglob("*") if path.is_dir() else [path]))


def timed(work: Callable[[], Any]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def share(equal: int, all_: int) -> str:
    """As per cent, never rounded up to 100."""
    return f"{100 * equal // all_} %" if equal in (0, all_) else f"{min(100 * equal / all_, 99.9):.1f} %"


def show(sources: list[Source], metrics: list[Metrics], task: Task, store_bytes: int) -> None:
    """The table."""
    names = list(task.popularity)
    print(f"{len(task.labels['ts']):,} training rows, {len(task.requests):,} requests to test on")
    print(
        "| training rows from | MB beside the store | write s | read an epoch s | train s | " + " | ".join(names) + " |"
    )
    print("| --- " * (5 + len(names)) + "|")
    for at, source in enumerate(sources):
        cells = [source.name, f"{source.bytes / 1e6:.2f}", f"{source.write:.2f}", f"{source.read:.2f}"]
        cells.append("" if source.train is None else f"{source.train:.2f}")
        cells += [f"{metrics[at][name]:.4f}" if at < len(metrics) else "" for name in names]
        print(f"| {' | '.join(cells)} |")
    print(f"| popularity | | | | | {' | '.join(f'{task.popularity[name]:.4f}' for name in names)} |")
    print(f"the store, which serves too, with all purchases of the year: {store_bytes / 1e6:.2f} MB")
