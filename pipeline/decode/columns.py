"""The fast path: many events of a topic to Arrow columns at once, with a mark on each row that is not surely right.

Everything here follows from the shapes of the contracts: another event type needs no code.

Why a row is one record: every record begins with `{` and ends with `}` (`text.whole`). One that were left
open would be followed by the `{` of the next without a comma, or by a raw newline within a text: errors both.
So no record gives less than one row, and where there are as many rows as records each gives exactly one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from pipeline.decode import shape
from pipeline.decode.rules import Members, absent, members, related, true, vectorized
from pipeline.decode.text import Mask, contains, count, suspicious, written
from shopstream.contracts import values
from shopstream.contracts.events import DATA, ENVELOPES, future_limit
from shopstream.contracts.schema import Field, Many
from shopstream.contracts.topics import BY_NAME

Instants = npt.NDArray[np.int64]
_NO_LIMIT = 2**63 - 1
_SHARED = (b'"refund', b'Total"')
"""What several names have in common: one search for all of them where it is nowhere."""
_ESCAPED = re.compile(rb"\\u00[2-7]")
"""Letters of a name as an escape."""
_REMEMBERED = 16
_latest: dict[str, tuple[frozenset[str], ...]] = {}
"""By topic: of each of the last chunks the members that a record may do without and some had. What a chunk is read to
be does not depend on it, only how fast."""


@dataclass(frozen=True, slots=True)
class Read:
    """Records as columns: attributes of the envelope, members of `data` and of its lists, by the names of the contract.

    `needs_recheck` is True for each record that must be read again.
    """

    topic: str
    head: Members
    data: Members
    items: Mapping[str, Members]
    needs_recheck: Mask

    @property
    def users(self) -> pa.Array:
        """Their user ids."""
        return self.head["userid"]

    @property
    def rows(self) -> pa.Table:
        """In the schema `shape.staged(topic)`; made here, since who only needs the envelope does without."""
        own = [_own(column, self.data, self.items) for column in shape.columns(self.topic)]
        said = (self.head[name] for name in ("shopid", "id", "source", "type"))
        rows = [*said, pc.fill_null(self.head["shopstreambackfill"], False), *own]
        return pa.Table.from_arrays(rows, schema=shape.staged(self.topic))


@cache
def envelope(topic: str) -> tuple[Field, ...]:
    """The attributes of an event that are read; those of the topic's types are the same."""
    types = BY_NAME[topic].types
    return (
        Field("specversion", values.OneOf(("1.0",)), required=True),
        Field("type", values.OneOf(types), required=True),
        *(field for field in ENVELOPES[types[0]].fields if field.name != "data"),
    )


@lru_cache(maxsize=256)
def schema(topic: str, unused: frozenset[str] = frozenset()) -> pa.Schema:
    """An event as Arrow's JSON reader is to read it, without the members of `data` and of its lists in `unused`.

    Raises:
        NotImplementedError: where a rule or a relation of the topic has no vectorized rule.
    """
    fields = [m.field for m in shape.members(topic) if m.field.name not in unused]
    data = [(field.name, _json(field, unused)) for field in fields]
    head = [(field.name, _json(field)) for field in envelope(topic)]
    return pa.schema([*head, ("data", pa.struct(data))])


def _json(field: Field, unused: frozenset[str] = frozenset()) -> pa.DataType:
    if field.relation:
        related(field.relation)
    if not isinstance(field.rule, Many):
        return vectorized(field.rule).json
    items = field.rule.shape.fields
    if any(isinstance(item.rule, Many) for item in items):
        raise NotImplementedError(f"{field.name} has lists within a list")
    return pa.list_(pa.struct([(i.name, _json(i)) for i in items if i.name not in unused]))


@cache
def _optional(topic: str) -> Mapping[str, bytes]:
    """Members that a record may do without, and how each stands in its text."""
    fields = [member.field for member in shape.members(topic)]
    lines = [item for f in fields if isinstance(f.rule, Many) for item in f.rule.shape.fields]
    needed = {field.name for field in (*fields, *lines) if field.required}
    names = dict.fromkeys(field.name for field in (*fields, *lines))
    return {name: f'"{name}"'.encode() for name in names if name not in needed}


def _unused(topic: str, text: pa.Buffer) -> frozenset[str]:
    """Members that no record has: the reader spends as much on one that is nowhere as on one that is everywhere. None
    where a name may be written with escapes."""
    if contains(text, b"\\u00") and _ESCAPED.search(text):
        return frozenset()
    names = _optional(topic)
    gone = {part for part in _SHARED if not contains(text, part)}
    return frozenset(
        name
        for name, written in names.items()
        if any(part in written for part in gone) or not contains(text, written)
    )


def future_limits(arrived: Sequence[int]) -> Instants:
    """`events.future_limit` of each record in microseconds; the greatest number where it has none."""
    limits = {second: _limit(second) for second in set(arrived)}
    return np.array([limits[second] for second in arrived], np.int64)


def _limit(arrived: int) -> int:
    at = future_limit(arrived)
    return _NO_LIMIT if at is None else round(at.timestamp()) * 1_000_000


def parse(topic: str, raw: pa.Array, limits: Instants) -> Read | None:
    """Reads a binary array of records that are `text.whole`; None where they cannot be read as columns.

    `limits`: the last instant that each version may have, as `future_limits`.
    """
    lines = pa.ListArray.from_arrays(pa.array([0, len(raw)], pa.int32()), raw)
    text = pc.binary_join(lines, b"\n")[0].as_buffer()
    try:
        top, is_plain = _top(topic, text)
        if len(top["data"]) != len(raw):
            return None
        return _read(topic, top, raw, limits, is_plain)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _top(topic: str, text: pa.Buffer) -> tuple[Members, bool]:
    """The attributes of the records in `text`, and whether none of them can be `text.suspicious`.

    To search for each member that a record may do without costs a third of reading them. So those of the latest chunks
    are read, and the colons of `text` say whether it has others: then all are searched for.
    """
    names = frozenset(_optional(topic))
    latest = _latest.get(topic, ())
    unused = names - frozenset().union(*latest) if latest else _unused(topic, text)
    top = _from_json(topic, text, unused)
    cells = list(_cells(top))
    is_whole, is_plain = _accounted_for(text, [column for _, column in cells])
    if is_whole:
        used = names & {name for name, column in cells if column.null_count < len(column)}
    else:
        found = _unused(topic, text)
        used = names - found
        if not unused <= found:
            top = _from_json(topic, text, found)
    _latest[topic] = (*latest[1 - _REMEMBERED :], used)
    return top, is_plain


def _from_json(topic: str, text: pa.Buffer, unused: frozenset[str]) -> Members:
    options = pj.ReadOptions(use_threads=False, block_size=max(text.size + 1, 1024))
    rules = pj.ParseOptions(
        explicit_schema=schema(topic, unused),
        newlines_in_values=True,
        unexpected_field_behavior="ignore",
    )
    table = pj.read_json(pa.BufferReader(text), options, rules)
    return {name: _single(table[name]) for name in table.column_names}


def _cells(read: Members) -> Iterator[tuple[str, pa.Array]]:
    """Each member and what it holds, at any depth."""
    for name, column in read.items():
        yield name, column
        if pa.types.is_struct(column.type):
            yield from _cells(members(column))
        elif pa.types.is_list(column.type):
            yield from _cells(members(column.values))


def _accounted_for(text: pa.Buffer, read: Iterable[pa.Array]) -> tuple[bool, bool]:
    """Whether `text` has no other members than `read`; and whether none of its records can be `text.suspicious` either.

    A member that was read accounts for a colon and two quotes, a text for two more, and for the colons in it, since a
    text without escapes stands there as it was read. All else only adds: a name its colon, a number as text its quotes.
    NaN and the like are read as no type, so they can only be in what was not read.
    """
    if contains(text, b"\\"):
        return False, False
    colons, quotes = count(text, b":"), count(text, b'"')
    for column in read:
        there = len(column) - column.null_count
        colons -= there
        quotes -= 2 * there
        if pa.types.is_string(column.type):
            quotes -= 2 * there
            colons -= count(written(column), b":")
    return colons == 0, colons == 0 == quotes


def _read(topic: str, top: Members, raw: pa.Array, limits: Instants, is_plain: bool) -> Read:
    head = _typed(envelope(topic), top)
    fields = [member.field for member in shape.members(topic)]
    data = _typed(fields, _complete(fields, top["data"]))
    items = {f.name: _items(f.rule, data[f.name]) for f in fields if isinstance(f.rule, Many)}
    recheck = _recheck(envelope(topic), head, {}) | _recheck(fields, data, items)
    if not is_plain:
        recheck |= true(pc.match_substring_regex(raw, suspicious(topic)))
    latest_by = DATA[BY_NAME[topic].types[0]].latest_by
    if latest_by is not None:
        instants = pc.fill_null(data[latest_by].cast(pa.int64()), 0)
        recheck |= np.asarray(instants) > limits
    for member in shape.members(topic):
        if not member.alike:
            recheck |= _misplaced(member, data[member.field.name], head["type"])
    return Read(topic, head, data, items, recheck)


def _single(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _typed(fields: Iterable[Field], read: Members) -> Members:
    """Lists stay as they are read."""
    return {
        f.name: read[f.name] if isinstance(f.rule, Many) else vectorized(f.rule).typed(read[f.name])
        for f in fields
    }


def _items(rule: Many, lists: pa.ListArray) -> Members:
    return _typed(rule.shape.fields, _complete(rule.shape.fields, lists.values))


def _complete(fields: Iterable[Field], objects: pa.StructArray) -> Members:
    """The columns of the members, nulls for one that was not read."""
    read = members(objects)
    return {
        f.name: read[f.name] if f.name in read else pa.nulls(len(objects), _json(f)) for f in fields
    }


def _recheck(fields: Iterable[Field], read: Members, items: Mapping[str, Members]) -> Mask:
    recheck = np.zeros(len(next(iter(read.values()))), np.bool_)
    for field in fields:
        column = read[field.name]
        if column.null_count == len(column):
            recheck |= field.required
            continue
        if isinstance(field.rule, Many):
            recheck |= _recheck_lists(field.rule, column, items[field.name])
        else:
            recheck |= vectorized(field.rule).needs_recheck(column)
        if field.required:
            recheck |= absent(column)
        if field.relation:
            recheck |= related(field.relation)(column, read)
    return recheck


def _recheck_lists(rule: Many, lists: pa.ListArray, items: Members) -> Mask:
    lengths = pc.list_value_length(lists)
    recheck = true(pc.or_(pc.less(lengths, rule.low), pc.greater(lengths, rule.high)))
    bad = absent(lists.values) | _recheck(rule.shape.fields, items, {})
    recheck[np.asarray(pc.list_parent_indices(lists))[bad]] = True
    return recheck


def _misplaced(member: shape.Member, column: pa.Array, kinds: pa.Array) -> Mask:
    """Rows that have what is no member of their type, or lack what only some types need."""
    missing = absent(column)
    strange = ~true(pc.is_in(kinds, pa.array(member.within)))
    wanted = true(pc.is_in(kinds, pa.array(member.needed, pa.string())))
    mask: Mask = (strange & ~missing) | (wanted & missing)
    return mask


def _own(column: shape.Column, data: Members, items: Mapping[str, Members]) -> pa.Array:
    """A column of the staged table; what needs a recheck in it may not fit its type."""
    read = items[column.field.name][column.leaf.name] if column.item else data[column.leaf.name]
    kind, default = shape.arrow(column.leaf), column.leaf.default
    if read.null_count == len(read):
        read = pa.nulls(len(read), kind) if default is None else _repeat(default, kind, len(read))
    elif default is not None:
        read = pc.fill_null(read, pa.scalar(default, read.type))
    read = read.cast(kind, safe=False)
    return pa.ListArray.from_arrays(data[column.field.name].offsets, read) if column.item else read


def _repeat(default: object, kind: pa.DataType, length: int) -> pa.Array:
    return pa.repeat(pa.scalar(default, kind), length)
