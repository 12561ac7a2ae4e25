"""The imports between packages as a picture and a table: `python -m import_graph` writes both into docs/DESIGN.md.

The package of a composition root stands in two places: the root and its helpers above the other packages, and what
those share below them. So it is drawn in two: `api` has the modules that no other package imports, `api (shared)` the
rest.
"""

import graphlib
from collections import Counter
from pathlib import Path

import grimp

ROOTS = ("shopstream", "clickhouse", "pipeline", "api", "local")
PROCESSES = ("shopstream.cli.main", "local.up", "pipeline.main", "api.main")
"""The composition roots. The first one starts the others, which shares nothing with them."""
PAGE = "docs/DESIGN.md"
BEGIN, END = "<!-- scripts/graph begins -->\n", "<!-- scripts/graph ends -->\n"

Node = str
Edges = Counter[tuple[Node, Node]]
"""(importing, imported) -> the number of imports, module to module. Ordered by name where it matters."""
Imports = dict[str, set[str]]
"""A module -> the modules of ours that it imports, lazy imports inside functions included."""


def read_imports() -> Imports:
    """Every module but `__main__`, which only starts a process."""
    graph = grimp.build_graph(*ROOTS, cache_dir=None)
    modules = {m for m in graph.modules if not m.endswith(".__main__")}
    return {m: graph.find_modules_directly_imported_by(m) & modules for m in modules}


def packages_of(imports: Imports) -> dict[str, str]:
    """A module -> the innermost package that it is in."""
    packages = {m.rpartition(".")[0] or m for m in imports}
    return {m: m if m in packages else m.rpartition(".")[0] for m in imports}


def edges_between(imports: Imports, nodes: dict[str, Node]) -> Edges:
    pairs = ((nodes[m], nodes[i]) for m, found in imports.items() for i in found)
    return Counter((a, b) for a, b in sorted(pairs) if a != b)


def reachable(edges: Edges) -> dict[Node, set[Node]]:
    """A node -> the nodes that it imports, directly or through others."""
    found: dict[Node, set[Node]] = {node: set() for pair in edges for node in pair}
    for start, seen in found.items():
        waiting = [start]
        while waiting:
            last = waiting.pop()
            new = {b for a, b in edges if a == last} - seen
            seen |= new
            waiting += new
    return found


def shared_modules(imports: Imports, packages: dict[str, str]) -> set[str]:
    """What another package imports, and what that imports in its own package."""
    importers = imports.keys() - {PROCESSES[0]}
    waiting = [i for m in importers for i in imports[m] if packages[i] != packages[m]]
    shared = set(packages.values())
    while waiting:
        module = waiting.pop()
        if module not in shared:
            shared.add(module)
            waiting += [i for i in imports[module] if packages[i] == packages[module]]
    return shared


def read_graph() -> Edges:
    """The edges between nodes, ordered by name."""
    imports = read_imports()
    packages = packages_of(imports)
    shared = shared_modules(imports, packages)
    split = {packages[process] for process in PROCESSES}
    nodes = {
        m: f"{package} (shared)" if package in split and m in shared else package
        for m, package in packages.items()
    }
    return edges_between(imports, nodes)


def back_edges(edges: Edges) -> list[tuple[Node, Node]]:
    """From what subpackages share to a subpackage that imports it."""
    reached = reachable(edges)
    return [
        (a, b)
        for a, b in sorted(edges)
        if a in reached[b] and b.startswith(a.removesuffix(" (shared)") + ".")
    ]


def layers(edges: Edges) -> list[list[Node]]:
    """Top first; a node stands above everything that it imports. Raises CycleError where two import each other."""
    ahead = Counter({pair: n for pair, n in edges.items() if pair not in back_edges(edges)})
    below: dict[Node, set[Node]] = {node: set() for pair in edges for node in pair}
    for a, b in ahead:
        below[a].add(b)
    height: dict[Node, int] = {}
    for node in graphlib.TopologicalSorter(below).static_order():
        height[node] = 1 + max((height[b] for b in below[node]), default=-1)
    top = max(height.values())
    return [sorted(n for n in height if height[n] == level) for level in range(top, -1, -1)]


def picture(edges: Edges) -> str:
    """Mermaid; an arrow that follows from others is left out."""
    reached = reachable(edges)
    back = back_edges(edges)
    lines = ["flowchart TD"]
    ids: dict[Node, str] = {}
    for level in layers(edges):
        for node in level:
            ids[node] = f"n{len(ids)}"
            lines.append(f'  {ids[node]}["{node}"]')
    for (a, b), count in sorted(edges.items()):
        between = {c for first, c in edges if first == a and c != b and (a, c) not in back}
        if (a, b) in back:
            lines.append(f"  {ids[a]} -. {count} back .-> {ids[b]}")
        elif not any(b in reached[c] and c not in reached[b] for c in between):
            lines.append(f"  {ids[a]} -- {count} --> {ids[b]}")
    return "\n".join(lines)


def table(edges: Edges) -> str:
    """A dependency matrix: a row imports its columns. Without arrows back everything is right of the diagonal."""
    levels = layers(edges)
    order = [node for level in levels for node in level]
    layer = {node: len(levels) - n for n, level in enumerate(levels) for node in level}
    width = max(map(len, order))
    lines = [f"layer  {'':{width + 4}}" + "".join(f"{n:>4}" for n in range(1, len(order) + 1))]
    for number, node in enumerate(order, 1):
        cells = ["-" if other == node else str(edges[node, other] or ".") for other in order]
        name = f"{layer[node]:>5}  {number:>2}  {node:<{width}}"
        lines.append(name + "".join(f"{cell:>4}" for cell in cells))
    return "\n".join(lines)


def text(edges: Edges) -> str:
    return (
        f"{BEGIN}\n```mermaid\n{picture(edges)}\n```\n\n"
        "All imports, module to module, lazy ones included; a row imports its columns:\n\n"
        f"```\n{table(edges)}\n```\n\n{END}"
    )


def replaced(page: str, edges: Edges) -> str:
    """The page with a new picture between the markers."""
    head, _, rest = page.partition(BEGIN)
    return head + text(edges) + rest.partition(END)[2]


if __name__ == "__main__":
    path = Path(PAGE)
    path.write_text(replaced(path.read_text(), read_graph()))
