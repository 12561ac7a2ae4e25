"""`shopstream import` reads JSON, JSON lines and tables, and names the place of what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from shopstream.cli.import_command import ENDS, StateFile, Summary
from shopstream.cli.main import app
from shopstream.faults import Fault

GOLDEN = Path(__file__).parent / "golden"


def payload(platform: str, name: str) -> Any:
    return json.loads((GOLDEN / platform / f"{name}.json").read_text())["payload"]


def dry(platform: str, file: Path, *more: str) -> Result:
    words = ["import", platform, str(file), "--shop", "s", "--dry-run", *more]
    return CliRunner().invoke(app, words)


def told(found: Result) -> str:
    return found.stderr.rpartition(";")[0] + found.stderr.rpartition(" s")[2].rstrip("\n")


ORDER, TEST = payload("shopify", "order-created"), payload("shopify", "test-order")
BAD = payload("shopify", "order-with-bad-price")


@pytest.mark.parametrize(
    ("text", "noun"),
    [
        (json.dumps([ORDER, TEST, BAD]), "item"),
        (json.dumps({"orders": [ORDER, TEST, BAD]}, indent=2), "item"),
        (json.dumps({"object": "list", "data": [ORDER, TEST, BAD]}), "item"),
        ("\n".join(map(json.dumps, (ORDER, TEST, BAD))), "line"),
    ],
)
def test_json_and_json_lines_are_told_apart(tmp_path: Path, text: str, noun: str) -> None:
    file = tmp_path / "orders.json"
    file.write_text(text)
    found = dry("shopify", file)
    assert found.exit_code == 1
    rule = "line_items[0].price must be a decimal number of at most 13 digits and 8 decimals"
    assert found.stderr.splitlines()[0] == f"{noun} 3: {rule}"
    assert (
        told(found).splitlines()[-1] == "1 event would be sent, 1 ignored (a test order), 1 refused"
    )
    assert list(tmp_path.iterdir()) == [file]


def test_a_list_that_is_none_is_one_item(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_text('{"object": "list", "data": 5}')
    found = dry("stripe", file)
    assert told(found).startswith("0 events would be sent, 1 ignored (")


def test_one_payload_and_blank_lines(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps(ORDER, indent=1))
    assert (dry("shopify", file).exit_code, told(dry("shopify", file))) == (
        0,
        "1 event would be sent",
    )
    marked = "\ufeff" + json.dumps(ORDER)
    file.write_text(marked)
    assert told(dry("shopify", file)) == "1 event would be sent"
    file.write_text(f"{marked}\n{json.dumps(ORDER)}\n")
    assert told(dry("shopify", file)) == "2 events would be sent"
    file.write_text(f"\n{json.dumps(ORDER)}\n\n{{\n{json.dumps(ORDER)}\n")
    found = dry("shopify", file)
    assert found.stderr.startswith("line 4: ")
    assert told(found).endswith("2 events would be sent, 1 refused")


def test_texts_of_a_file_are_repeated_cut_and_without_signs_for_terminals(tmp_path: Path) -> None:
    file = tmp_path / "payloads.jsonl"
    odd = ["\x1b]0;title\x07", "\u202e", *(f"{n} " + "x" * 9_000 for n in range(50))]
    file.write_text("".join(json.dumps({"object": text}) + "\n" for text in odd))
    found = dry("stripe", file)
    assert found.exit_code == 0
    assert all(sign.isprintable() for sign in found.stderr.rstrip("\n"))
    assert len(found.stderr) < 3_000
    assert "32 ignored (for other reasons)" in found.stderr
    table = tmp_path / "table.csv"
    table.write_text(f"o,t,p,n,u,s\n1,2026-11-22,p,1,2,{'x' * 9_000}\n")
    columns = ("orderId=o", "createdAt=t", "productId=p", "quantity=n", "unitPrice=u", "status=s")
    pairs = [flag for pair in columns for flag in ("--map", pair)]
    refused = dry("csv", table, *pairs, "--currency", "EUR", "--timezone", "UTC").stderr
    assert "is not among the statuses of the map" in refused
    assert len(refused) < 300


def test_a_rule_of_the_contract_names_the_row_of_the_line(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(
        "No,At,P,Q,U\n1,2026-01-01,a,1,2\n2,2026-01-01,b,1,2\n1,2026-01-01,c,0.12345,2\n3,2026-01-01,d,1,2,x\n"
    )
    maps = [
        f"{a}={b}"
        for a, b in zip(
            ["orderId", "createdAt", "productId", "quantity", "unitPrice"],
            ["No", "At", "P", "Q", "U"],
            strict=True,
        )
    ]
    flags = [word for pair in maps for word in ("--map", pair)]
    found = dry("csv", file, *flags, "--currency", "EUR", "--timezone", "UTC")
    assert found.stderr.splitlines()[:2] == [
        "row 4: data.items[1].quantity must have at most 4 decimals",
        "row 5: has more cells than the 5 of the header",
    ]
    assert told(found).endswith("1 event would be sent, 2 refused")


@pytest.mark.parametrize("header", ["o,t,p,n,u,", ",o,t,p,n,u", "o,t,p,n,u,x,x"])
def test_a_row_with_more_cells_than_columns_is_refused_whatever_these_are_called(
    tmp_path: Path, header: str
) -> None:
    cells = {"o": "1", "t": "2026-01-01", "p": "a", "n": "1", "u": "2"}
    row = ",".join(cells.get(name, "") for name in header.split(","))
    file = tmp_path / "t.csv"
    file.write_text(f"{header}\n{row}\n{row},5\n")
    columns = ("orderId=o", "createdAt=t", "productId=p", "quantity=n", "unitPrice=u")
    flags = [word for pair in columns for word in ("--map", pair)]
    found = dry("csv", file, *flags, "--currency", "EUR", "--timezone", "UTC")
    count = len(header.split(","))
    assert found.stderr.splitlines()[0] == f"row 3: has more cells than the {count} of the header"


def test_a_map_may_be_a_file_and_flags_stand_above_it(tmp_path: Path) -> None:
    said = json.loads((GOLDEN / "csv" / "invoices.map.json").read_text())
    columns = "\n".join(f'{name} = "{column}"' for name, column in said.pop("columns").items())
    table = tmp_path / "map.toml"
    table.write_text('currency = "USD"\ntimezone = "UTC"\n[columns]\n' + columns)
    file = GOLDEN / "csv" / "invoices.csv"
    found = dry("csv", file, "--columns", str(table), "--cancelled-prefix", "C")
    assert told(found) == "4 events would be sent"
    found = dry("csv", file, "--columns", str(table), "--map", "orderId=Invoice")
    assert found.exit_code == 1
    assert found.stderr == (
        "The column map: columns.orderId: there is no column 'Invoice'; did you mean 'InvoiceNo'?.\n"
    )


@pytest.mark.parametrize(
    ("content", "flags", "sentence"),
    [
        (b"", (), "{} is empty."),
        (
            b"a\xff\n",
            (),
            "{} is not utf-8-sig (invalid start byte at byte 1): say --encoding, such as cp1252.",
        ),
        (b"a\n", ("--encoding", "utf-99"), "--encoding utf-99: is not known."),
        (
            b"a\n",
            ("--map", "orderId"),
            "--map orderId: must be field=column, such as orderId=InvoiceNo.",
        ),
    ],
)
def test_a_table_that_cannot_be_read_says_why(
    tmp_path: Path, content: bytes, flags: tuple[str, ...], sentence: str
) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    found = dry("csv", file, *flags)
    assert (found.exit_code, found.stderr) == (1, sentence.format(file) + "\n")


def test_what_is_neither_json_nor_there(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    assert dry("stripe", file).stderr == f"{file} cannot be read (No such file or directory).\n"
    file.write_text("<html>")
    assert dry("stripe", file).stderr.startswith(f"{file} is neither JSON nor JSON lines (")
    assert dry("etsy", file).exit_code == 2
    assert dry("stripe", file, "--currency", "EUR").exit_code == 2


def test_the_state_belongs_to_one_file_and_map(tmp_path: Path) -> None:
    file = tmp_path / "o.csv"
    file.write_text("a\n")
    state = StateFile(file, tmp_path / "data", ["csv", "s"])
    assert state.load() == (0, Summary())
    state.save(7, Summary(documents=3, events=2, refused=1))
    end, told_so_far = StateFile(file, tmp_path / "data", ["csv", "s"]).load()
    assert (end, told_so_far.resumed, told_so_far.events, told_so_far.refused) == (7, 7, 2, 1)
    assert StateFile(file, tmp_path / "data", ["csv", "other"]).load() == (0, Summary())
    file.write_text("b\n")
    assert StateFile(file, tmp_path / "data", ["csv", "s"]).load() == (0, Summary())
    state.path.write_text("{")
    assert state.load() == (0, Summary())
    state.remove()
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_changed_anywhere_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "o.csv"
    file.write_bytes(b"a\n" * ENDS * 2)
    StateFile(file, tmp_path, "m").save(7, Summary())
    assert StateFile(file, tmp_path, "m").load()[0] == 7
    with file.open("r+b") as changed:
        changed.seek(2 * ENDS)
        changed.write(b"b")
    assert StateFile(file, tmp_path, "m").load()[0] == 0


@pytest.mark.parametrize("name", ["end", "documents", "events", "refused", "ignored"])
def test_a_damaged_state_is_none(tmp_path: Path, name: str) -> None:
    """A false place would leave events out."""
    file = tmp_path / "o.csv"
    file.write_text("a\n")
    state = StateFile(file, tmp_path / "data", "m")
    state.save(7, Summary(documents=3))
    good = json.loads(state.path.read_text())
    assert state.load()[0] == 7
    for bad in ("70", 70, -1, None, [1], {"a": 1}):
        state.path.write_text(json.dumps({**good, name: bad}))
        assert state.load() == (0, Summary())
    for text in ("[]", "7", '"x"', "", "{", json.dumps(good)[:-3]):
        state.path.write_text(text)
        assert state.load() == (0, Summary())


def test_two_imports_of_a_file_keep_their_places_at_once(tmp_path: Path) -> None:
    """Each of these processes replaces the state of the other."""
    file = tmp_path / "o.csv"
    file.write_text("a\n")
    code = (
        "import sys; from pathlib import Path; from shopstream.cli.import_command import *\n"
        "state = StateFile(Path(sys.argv[1]), Path(sys.argv[2]), 'm')\n"
        "for n in range(500): state.save(n, Summary())\n"
    )
    command = [sys.executable, "-c", code, str(file), str(tmp_path)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[1] for process in both] == ["", ""]
    assert StateFile(file, tmp_path, "m").load()[0] == 499


def test_a_state_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "o.csv"
    file.write_text("a\n")
    state = StateFile(file, tmp_path, "m")
    state.path.mkdir()
    with pytest.raises(Fault, match="cannot be written"):
        state.save(7, Summary())


FLAGS = (
    "--map orderId=No --map createdAt=At --map productId=P --map quantity=Q --map unitPrice=U"
    " --currency EUR --timezone UTC"
)


@pytest.mark.parametrize("row", ["row 1", "row 2", "row 4"])
def test_a_quote_that_is_never_closed_takes_no_rows_away(tmp_path: Path, row: str) -> None:
    lines = ["No,At,P,Q,U", *(f"{n},2026-01-01,p,1,2" for n in range(1, 5))]
    at = int(row[-1]) - 1
    lines[at] = lines[at].replace(",", ',"', 1)
    for end in ("\n", ""):
        file = tmp_path / "t.csv"
        file.write_text("\n".join(lines) + end)
        found = dry("csv", file, *FLAGS.split())
        assert found.exit_code == 1
        assert found.stderr == f'{file}: the quote (") that {row} opens is never closed.\n'


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_quotes_line_breaks_and_marks_are_read_as_they_are(
    tmp_path: Path, newline: str, last: bool, encoding: str
) -> None:
    rows = ["No,At,P,Q,U,N", '1,2026-01-01,"a ""b"", d",1,2,"x\n y"', '2,2026-01-01,e,1,2,"z"']
    file = tmp_path / "t.csv"
    file.write_bytes((newline.join(rows) + newline * last).encode(encoding))
    found = dry("csv", file, *FLAGS.split(), "--map", "name=N", "--encoding", encoding)
    assert (found.exit_code, told(found)) == (0, "2 events would be sent")


def test_of_two_columns_with_one_name_none_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("No,At,P,Q,U,U\n1,2026-01-01,p,1,2,3\n")
    found = dry("csv", file, *FLAGS.split())
    assert found.exit_code == 1
    assert "columns.unitPrice: there is more than one column 'U'" in found.stderr


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    file = tmp_path / "pipe"
    os.mkfifo(file)
    found = dry("csv", file, *FLAGS.split())
    assert (found.exit_code, found.stderr) == (
        1,
        f"{file} is no file: an import reads it more than once.\n",
    )
