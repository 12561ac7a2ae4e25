"""docs/DESIGN.md shows the imports between packages as they are, and none of them points back."""

import graphlib
from collections import Counter

import pytest
from doc_pages import read

import import_graph

EDGES = import_graph.read_graph()
KNOWN = {("api (shared)", "api.push")}
"""`api/presence.py` counts the streams of `api.push`, whose routes serve it."""


def test_the_picture_and_the_table_are_up_to_date() -> None:
    page = read(import_graph.PAGE)
    assert import_graph.replaced(page, EDGES) == page, "run scripts/graph"


def test_no_arrow_points_back() -> None:
    assert set(import_graph.back_edges(EDGES)) <= KNOWN
    assert import_graph.layers(EDGES)[-1] == ["shopstream.contracts"]


def test_every_package_stands_above_what_it_imports() -> None:
    height = {n: -level for level, nodes in enumerate(import_graph.layers(EDGES)) for n in nodes}
    assert {(a, b) for a, b in EDGES if height[a] <= height[b]} <= KNOWN


def test_an_arrow_from_a_shared_module_into_a_subpackage_is_found() -> None:
    edges = Counter({("api.push", "api (shared)"): 2, ("api (shared)", "api.push"): 1})
    assert import_graph.back_edges(edges) == [("api (shared)", "api.push")]
    assert "n1 -. 1 back .-> n0" in import_graph.picture(edges)


def test_packages_that_import_each_other_have_no_layers() -> None:
    with pytest.raises(graphlib.CycleError):
        import_graph.layers(Counter({("api", "pipeline"): 1, ("pipeline", "api"): 1}))


def test_an_arrow_that_follows_from_others_is_in_the_table_alone() -> None:
    edges = Counter({("a", "b"): 1, ("b", "c"): 2, ("a", "c"): 3})
    assert "n0 -- 3 --> n2" not in import_graph.picture(edges)
    assert import_graph.table(edges).splitlines()[1] == "    3   1  a   -   1   3"


def test_what_another_package_imports_is_shared_with_all_that_it_imports() -> None:
    imports = {"api.app": {"api.push.hub", "api.keys"}, "api.push.hub": {"api.keys"}}
    imports |= {"api.keys": {"api.faults"}, "api.faults": set()}
    packages = import_graph.packages_of(imports)
    shared = import_graph.shared_modules(imports, packages)
    assert shared & imports.keys() == {"api.push.hub", "api.keys", "api.faults"}
