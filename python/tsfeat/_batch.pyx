# cython: language_level=3, auto_pickle=False
"""What every read makes: the attributes of `Sequences`, and its way from a column's name to an array. Compiled, because
in Python these are a fifth of a small read whose columns are used."""


cdef class Batch:
    """Base of `Sequences`; made of what a read was given and what it gave, by position."""

    cdef public object _keys, _answer, _projection, _layout, _core
    cdef public object _read_at  # the moment that rows stand at, as it was asked for; None: now
    cdef public object _made  # arrays by name, of columns that are not the engine's as they are; None: there are none yet
    cdef public object _stamp  # of what a view has read, else None
    cdef dict direct  # the projection's

    def __cinit__(self, keys, answer, projection, layout, core, read_at):
        self._keys = keys
        self._answer = answer
        self._projection = projection
        self._layout = layout
        self._core = core
        self._read_at = read_at
        self.direct = projection.direct

    @property
    def offsets(self):
        """Where rows begin and end, shape (rows + 1,): row i is `[offsets[i]:offsets[i + 1]]` of every column."""
        return self._answer.offsets

    def __getitem__(self, item):
        """A column (str: flat array, shape (events,) or (events, d)), a row (int: dict of arrays), or rows (slice)."""
        if type(item) is str:
            direct = self.direct.get(item)
            if direct is not None:
                place, dtype = direct
                return self._answer.shown(place, dtype)
        return self._item(item)
