"""A slow, obvious Python model of tsfeat's surface: the oracle that the engine is compared with.

Every event ever appended is a Python tuple in a list; a read sorts, ranks and filters that list as the laws say.
Nothing here knows about logs, runs or pages, and nothing here imports tsfeat.
"""

from .errors import ClosedError, ModelError, NotFoundError, RetentionError, SchemaError
from .filters import matches
from .retention import ModelRetention
from .schema import MISSING, ModelColumn, ModelSchema
from .store import ModelStore
from .table import ModelTable

__all__ = [
    "MISSING",
    "ClosedError",
    "ModelColumn",
    "ModelError",
    "ModelRetention",
    "ModelSchema",
    "ModelStore",
    "ModelTable",
    "NotFoundError",
    "RetentionError",
    "SchemaError",
    "matches",
]
