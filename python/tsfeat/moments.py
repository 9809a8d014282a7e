"""Moments and durations: what people write (strings, datetimes, numpy) to integers in a table's unit, exactly."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tsfeat.errors import SchemaError

Duration: TypeAlias = str | dt.timedelta | np.timedelta64
Moment: TypeAlias = int | str | dt.date | np.datetime64

UNITS = ("s", "ms", "us", "ns")
UNIT_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_DURATION_NS = {"w": 7 * 86_400 * 10**9, "d": 86_400 * 10**9, "h": 3_600 * 10**9, "m": 60 * 10**9, "min": 60 * 10**9}
_DURATION_NS |= UNIT_NS | {"µs": 10**3}
_SPELLED = ("d", "h", "m", "s", "ms", "us", "ns")
_DURATION = re.compile(r"(\d+)(?:\.(\d+))?\s*(w|d|h|min|ms|m|us|µs|ns|s)\s*")
_FRACTION = re.compile(r"^(.*:\d\d)[.,](\d+)(.*)$")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

# Attoseconds in each unit that numpy can give a datetime64 (years and months have no fixed length).
_ATTO = {"W": 7 * 86_400 * 10**18, "D": 86_400 * 10**18, "h": 3_600 * 10**18, "m": 60 * 10**18}
_ATTO |= {unit: 10 ** (18 - 3 * i) for i, unit in enumerate(("s", "ms", "us", "ns", "ps", "fs", "as"))}


def duration_ns(value: Duration, name: str = "duration") -> int:
    """A duration in nanoseconds.

    Parameters
    ----------
    value : str, datetime.timedelta or numpy.timedelta64
        Strings are numbers with units, summed: "90d", "1h30m", "500ms"; units w, d, h, m (or min), s, ms, us, ns.
    name : str
        What the value is, for messages.

    Raises
    ------
    SchemaError
        If it is none of these, negative, NaT, or finer than a nanosecond.

    Examples
    --------
    >>> duration_ns("1h30m") == 5400 * 10**9
    True
    """
    if isinstance(value, str):
        result = _parse_duration(value, name)
    elif isinstance(value, np.timedelta64):
        result = _timedelta64_ns(value, name)
    elif isinstance(value, dt.timedelta):
        result = (value.days * 86_400 + value.seconds) * 10**9 + value.microseconds * 1_000
        result += int(getattr(value, "nanoseconds", 0))
    else:
        raise SchemaError(
            f"{name} is {value!r} ({type(value).__name__}): write a duration with its unit, as '90d', '12h' or "
            "'500ms', or pass a datetime.timedelta or numpy.timedelta64"
        )
    if result < 0:
        raise SchemaError(f"{name} is {value!r}: a duration cannot be negative")
    return result


def _parse_duration(text: str, name: str) -> int:
    total, at = 0, 0
    stripped = text.strip()
    while match := _DURATION.match(stripped, at):
        whole, fraction, unit = match.groups()
        scale = _DURATION_NS[unit]
        total += int(whole) * scale
        if fraction:
            part, rest = divmod(int(fraction) * scale, 10 ** len(fraction))
            if rest:
                raise SchemaError(f"{name} is {text!r}: finer than a nanosecond")
            total += part
        at = match.end()
    if at == 0 or at != len(stripped):
        raise SchemaError(f"{name} is {text!r}: write numbers with units, as '90d', '1h30m' or '500ms'")
    return total


def _timedelta64_ns(value: np.timedelta64, name: str) -> int:
    base, count = np.datetime_data(value.dtype)
    if np.isnat(value) or base not in _ATTO:
        raise SchemaError(f"{name} is {value!r}: give a timedelta64 with a unit of fixed length (W to ns)")
    result, rest = divmod(int(value.astype(np.int64)) * count * _ATTO[base], 10**9)
    if rest:
        raise SchemaError(f"{name} is {value!r}: finer than a nanosecond")
    return result


def format_duration(ns: int) -> str:
    """The shortest spelling with one unit, e.g. "90d"."""
    unit = next(u for u in _SPELLED if ns % _DURATION_NS[u] == 0)
    return f"{ns // _DURATION_NS[unit]}{unit}"


def moment(value: Any, unit: str, *, up: bool = False) -> int:
    """A moment as a count of `unit` since 1970-01-01 UTC.

    Parameters
    ----------
    value : int, str, datetime.datetime, datetime.date, numpy.datetime64 or pandas.Timestamp
        Integers are in `unit` already; what carries no time zone is UTC.
    unit : {"s", "ms", "us", "ns"}
    up : bool
        Round up what falls between two units (the exact meaning of a bound: t < 1.5 is t < 2); otherwise an error.

    Raises
    ------
    SchemaError
        If it is no moment, NaT, outside int64, or not exact in `unit` (unless `up`).

    Examples
    --------
    >>> moment("1970-01-01T00:00:01.5Z", "ms")
    1500
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.timedelta64)):
        return in_range(int(value), unit, value)
    if isinstance(value, np.datetime64):
        return int(from_datetime64(np.array([value]), unit, up=up)[0])
    if isinstance(value, str):
        ns = _iso_ns(value)
    elif isinstance(value, dt.date):
        ns = _datetime_ns(value)
    else:
        raise SchemaError(
            f"{value!r} ({type(value).__name__}) is no moment: give an int in {unit}, a datetime, a datetime64 or an "
            "ISO 8601 string"
        )
    count, rest = divmod(ns, UNIT_NS[unit])
    if rest and not up:
        raise SchemaError(f"{value!r} is finer than the table's unit, {unit}: round it first")
    return in_range(count + (1 if rest else 0), unit, value)


def in_range(count: int, unit: str, value: object) -> int:
    """`count`, if int64 holds it."""
    if not INT64_MIN < count <= INT64_MAX:
        raise SchemaError(f"{value!r} is outside what timestamp[{unit}] can hold")
    return count


def _datetime_ns(value: dt.date) -> int:
    if value != value:  # pandas.NaT calls itself a datetime
        raise SchemaError("NaT is no moment")
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)
    since = (value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)) - _EPOCH
    # pandas keeps the nanoseconds below a microsecond beside the fields that datetime has.
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000 + getattr(value, "nanosecond", 0)


def _iso_ns(text: str) -> int:
    head, fraction = text.strip(), ""
    if match := _FRACTION.match(head):
        head, fraction = match[1] + match[3], match[2].rstrip("0")
    try:
        whole = _datetime_ns(dt.datetime.fromisoformat(head))
    except ValueError:
        raise SchemaError(f"{text!r} is no ISO 8601 moment such as '2024-05-01T12:00:00Z'") from None
    if len(fraction) > 9:
        raise SchemaError(f"{text!r} is finer than a nanosecond")
    return whole + int(fraction.ljust(9, "0"))


def from_datetime64(values: NDArray[np.datetime64], unit: str, *, up: bool = False) -> NDArray[np.int64]:
    """A datetime64 array of any unit as int64 counts of `unit`.

    Raises
    ------
    SchemaError
        Names the row of a NaT, of a value that is not exact in `unit` (unless `up`) or does not fit int64.

    Examples
    --------
    >>> from_datetime64(np.array(["1970-01-02"], "M8[D]"), "s")
    array([86400])
    """
    nat = np.isnat(values)
    if nat.any():
        raise SchemaError(f"row {int(nat.argmax())}: NaT is no moment")
    base, step = np.datetime_data(values.dtype)
    if base in ("Y", "M"):
        values = values.astype("M8[D]")
        base, step = "D", 1
    if base not in _ATTO:  # a datetime64 without a unit holds nothing but NaT
        return np.zeros(len(values), np.int64)
    counts = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("="), copy=False).view(np.int64)
    source, target = _ATTO[base] * step, _ATTO[unit]
    if source == target:
        return counts
    if source % target == 0:
        return _multiply(counts, source // target, unit)
    if target % source:
        raise SchemaError(f"datetime64[{step}{base}] has no exact conversion to {unit}: convert it with astype first")
    quotient, rest = np.divmod(counts, target // source)
    if up:
        quotient += rest != 0
    elif rest.any():
        row = int((rest != 0).argmax())
        raise SchemaError(f"row {row}: {values[row]} is finer than the table's unit, {unit}: round it first")
    return quotient


def _multiply(counts: NDArray[np.int64], factor: int, unit: str) -> NDArray[np.int64]:
    limit = INT64_MAX // factor
    bad = (counts > limit) | (counts < -limit)
    if bad.any():
        raise SchemaError(f"row {int(bad.argmax())}: a time outside what timestamp[{unit}] can hold")
    return counts * np.int64(factor)
