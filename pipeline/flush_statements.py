"""Texts and engine settings of the statements that write a batch; see `flush.py`. Pure."""

import pyarrow as pa
import pyarrow.compute as pc

from clickhouse.client import Settings as EngineSettings
from clickhouse.sql import fill, load
from clickhouse.windows import MARKERS, order_changes
from pipeline.topic_specs import TOPIC_SPECS, TopicSpec
from shopstream.contracts.order import NOT_COUNTED
from shopstream.contracts.topics import ORDERS

SMALL_ROWS = 5000
"""Up to so many the engine spends more on planning a statement than on its rows."""
_RARE_OF_LINES = (
    "kind",
    "total",
    "refunded_total",
    "discount",
    "tax",
    "unit",
    "variant_id",
    "category",
)
RARE = {
    **{f"item_{name}": f"items.{name}" for name in _RARE_OF_LINES},
    **{f"refund_{name}": f"refunds.{name}" for name in ("id", "amount", "at")},
    **{f"{name}_total": name for name in ("tax", "shipping", "discount", "tip")},
    "placed_at": "placed_at",
}
"""Staged columns of what few orders have, and where they are stored. A batch without any of it neither sends nor writes
them."""

PLAIN: EngineSettings = {"async_insert": 0}
# right behind reports: at the priority of big batches a statement of a small one waits for seconds while
# reports, or whatever else runs, keep the cores busy
SOON: EngineSettings = {"os_threads_nice_value_query": 3}
SMALL: EngineSettings = {
    **SOON,
    "max_threads": 1,
    "query_profiler_real_time_period_ns": 0,
    "query_profiler_cpu_time_period_ns": 0,
    "compile_expressions": 0,
    "compile_aggregate_expressions": 0,
    "compile_sort_description": 0,
    # the statements filter right above their tables, so index analysis needs none of the planner's rules
    "query_plan_enable_optimizations": 0,
}
# the statements say themselves what is read first
BY_BATCH: EngineSettings = {"optimize_move_to_prewhere": 0}
# a block is not cut, hence one part: all of its rows are there, or none
_ONE_BLOCK: EngineSettings = {
    "min_insert_block_size_rows": 10**9,
    "min_insert_block_size_bytes": 0,
    # a profile of the engine may cut blocks at `max_insert_block_size`
    "use_strict_insert_block_limits": 0,
}
# a row a key: nothing to collapse or to add up, which the engine does row by row, column by column
DISTINCT: EngineSettings = {"optimize_on_insert": 0}
STORE: EngineSettings = {
    "async_insert": 0,
    "max_insert_threads": 1,
    # what is repeated differs from what was written: the comparison decides, not a token
    "insert_deduplicate": 0,
    # a backfill may hold orders of every month since 2000
    "max_partitions_per_insert_block": 0,
    # rows that belong together are one block
    "max_block_size": 2**20,
    **_ONE_BLOCK,
}
APPLY: EngineSettings = {
    "async_insert": 0,
    "max_insert_threads": 1,
    "optimize_move_to_prewhere": 0,
    # rows of one key become one as they are inserted, unless they are one already (apply/summed.sql)
    "optimize_on_insert": 1,
    # the marker of the batch decides, not a token
    "insert_deduplicate": 0,
    **_ONE_BLOCK,
}
FORMER: EngineSettings = {
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "min_insert_block_size_rows_for_materialized_views": 10**9,
    "min_insert_block_size_bytes_for_materialized_views": 10**9,
}
"""Of batches that versions before commit markers began, under their token."""
LOOK_UP: EngineSettings = {**PLAIN, **BY_BATCH, "max_insert_threads": 1, "insert_deduplicate": 0}

_BY_DEFAULT = f"status NOT IN ({', '.join(repr(status) for status in sorted(NOT_COUNTED))})"
_IS_OWN = "shop_id IN (SELECT shop_id FROM counting)"
_COUNTS = "(shop_id, status) IN (SELECT shop_id, status FROM counting)"


def store_statement(
    spec: TopicSpec, plain: bool = False, equal: bool = True, own: bool = False
) -> str:
    """Step 2 of a topic; `plain`: of orders as `is_plain`, staged without the columns `RARE`; `equal` as of
    `Conflicts`; `own`: some shops have statuses of their own that count."""
    select = load(f"store/{spec.name}.sql")
    if spec is not TOPIC_SPECS[ORDERS]:
        return fill(load("flush/store.sql"), table=spec.table, select=select)
    columns = "*"
    if plain:
        select = "\n".join(line for line in select.split("\n") if line.strip(" ,") not in RARE)
        columns += f" EXCEPT ({', '.join(f'`{name}`' for name in RARE.values())})"
    aliases = ["plain_lines" if plain else "lines", *([] if equal else ["newest_version"])]
    return fill(
        select,
        columns=columns,
        aliases=",\n".join(load(f"fragments/{name}.sql").rstrip() for name in aliases),
        newer=load(f"fragments/{'newer' if equal else 'newest'}_orders.sql"),
        counted=f"if({_IS_OWN}, {_COUNTS}, {_BY_DEFAULT})" if own else _BY_DEFAULT,
    )


def apply_statement(
    spec: TopicSpec,
    first: bool = False,
    parts: bool = True,
    small: bool = False,
    former: bool = False,
) -> str:
    """Step 3 of a topic with windows; `first`: by the only try that stored the batch, others look for its marker;
    `parts`: with what only some orders have; `small`: the engine adds up few rows of orders as it inserts them;
    `former`: under the token of a version before markers, through its views."""
    marker = MARKERS[spec.window]
    markers = "[]" if former else f"[{marker.row}]"
    target, changes = spec.window, load(f"apply/{spec.window}.sql")
    if spec is TOPIC_SPECS[ORDERS]:
        changes = order_changes(parts)
        if not small:
            changes = fill(load("apply/summed.sql"), changes=changes)
    elif former:
        target, changes = f"apply_{spec.table}", "SELECT *\nFROM {rows}"
    rows = load(f"flush/{'first' if first else 'batch'}_rows.sql")
    rows = fill(rows, table=spec.table, key=spec.key, window=spec.window, found=marker.found)
    changes = fill(changes, rows=rows)
    return fill(load("flush/apply.sql"), target=target, markers=markers, changes=changes)


def is_plain(staged: pa.Table) -> bool:
    """Whether these orders have nothing in the columns `RARE` and only whole quantities: no amount is rounded, and the
    statement with `plain` stores the same rows for them."""
    units = [pc.list_flatten(staged[f"item_{name}"]) for name in ("quantity", "refunded_quantity")]
    return all(_is_absent(staged[name], name) for name in RARE) and all(
        pc.all(pc.equal(column, pc.floor(column))).as_py() is not False for column in units
    )


def _is_absent(column: pa.ChunkedArray, name: str) -> bool:
    values = pc.list_flatten(column) if pa.types.is_list(column.type) else column
    if name == "item_kind":
        return pc.all(pc.equal(values, "product")).as_py() is not False
    return bool(values.null_count == len(values))
