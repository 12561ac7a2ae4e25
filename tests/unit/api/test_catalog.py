"""Names of all products of a shop, out of rows of parts that are not merged."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.reports.names import NAMELESS, Name, read_catalog

small = st.integers(0, 2)
rows = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2", "p3"]),
        st.tuples(small, small, small, st.sampled_from(["", "Tea", "Mug"])),
        st.tuples(small, small),
    ),
    max_size=12,
)


def columns(some: list[tuple[Any, ...]]) -> list[list[Any]]:
    """As JSON has them."""
    lists = [(product, list(latest), list(gone)) for product, latest, gone in some]
    return [list(column) for column in zip(*lists, strict=True)]


@given(rows)
def test_the_greatest_of_all_rows_counts(some: list[tuple[Any, ...]]) -> None:
    catalog = read_catalog(columns(some))
    for product in ("p1", "p2", "p3"):
        ours = [row for row in some if row[0] == product]
        micros, tie, _, name = max((row[1] for row in ours), default=(0, 0, 0, ""))
        gone = max((row[2] for row in ours), default=(0, 0))
        expected = Name(name, (micros, tie) == gone) if micros else NAMELESS
        assert catalog.name(product) == expected
        assert (product in catalog.names) == bool(micros)
