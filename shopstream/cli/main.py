"""The command line: reads the flags, hands over to the package that does the work.

Exit codes: 0 done; 1 something did not go through or a dependency is down (one sentence on standard
error); 2 flags or settings are not usable (every fault on its own line).
"""

import io
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from shopstream.cli.counted import counted
from shopstream.cli.deadletters_flags import app as deadletters
from shopstream.cli.environment import (
    data_directory,
    load_beside_up,
    no_proxy_to_this_machine,
    running_up,
    token_key,
)
from shopstream.cli.faults import plain_faults
from shopstream.cli.output import watch_output
from shopstream.faults import Fault
from shopstream.variables import unknown_variables

SERVERS = frozenset({"api", "clickhouse", "local", "pipeline"})
"""Packages that are in no wheel."""
LOGGING = frozenset({"api", "pipeline"})
"""Commands that write a log, where a warning is a line of it."""

app = typer.Typer(
    name="shopstream",
    help="Real-time commerce analytics: exact aggregates from Kafka, and live push.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(deadletters, name="deadletters")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"shopstream {_version()}")
        raise typer.Exit


def _version() -> str:
    from importlib.metadata import version

    return version("shopstream")


@app.callback()
def begin(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Real-time commerce analytics: exact aggregates from Kafka, and live push."""
    if context.invoked_subcommand not in LOGGING:
        for sentence in unknown_variables(os.environ):
            typer.echo(f"warning: {sentence}", err=True)


def main() -> None:
    """The entry point `shopstream`."""
    watch_output()
    no_proxy_to_this_machine()
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    try:
        with plain_faults(quiet=False):
            try:
                app()
            finally:
                sys.stdout.flush()
    except ModuleNotFoundError as error:
        name = error.name or ""
        if name.startswith("shopstream"):
            raise
        if name.partition(".")[0] in SERVERS:
            needed = "this command runs from a checkout or in the image"
        else:
            needed = "install shopstream[local] for `up`, shopstream[server] for the others"
        typer.echo(f"The package {name} is missing: {needed}.", err=True)
        raise SystemExit(1) from None


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="Also produce lively sample shops.")] = False,
    port: Annotated[
        int, typer.Option(min=1, max=65535, envvar="SHOPSTREAM_PORT", help="Of the API.")
    ] = 3000,
    kafka_port: Annotated[int, typer.Option(min=1, max=65535, help="Of Kafka.")] = 9092,
    clickhouse_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Of ClickHouse over HTTP.")
    ] = 8123,
    clickhouse_native_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Of ClickHouse's native protocol.")
    ] = 9000,
    data_dir: Annotated[
        Path, typer.Option(envvar="SHOPSTREAM_DATA_DIR", help="Where everything is kept.")
    ] = Path(".shopstream"),
    bi_shop: Annotated[
        list[str] | None,
        typer.Option(help="Make a BI login that reads this shop only; may be repeated."),
    ] = None,
) -> None:
    """Everything on this machine: Apache Kafka, ClickHouse, pipeline, API, on 127.0.0.1."""
    from local.services import Plan
    from local.up import run

    with plain_faults():
        shops = tuple(dict.fromkeys(bi_shop or ()))
        asked = Plan(
            demo, port, kafka_port, clickhouse_port, clickhouse_native_port, data_dir, shops
        )
        raise typer.Exit(run(asked))


@app.command()
def pipeline() -> None:
    """One worker: Kafka to ClickHouse."""
    from pipeline.main import run

    with plain_faults(quiet=False):
        raise typer.Exit(run(load_beside_up()))


@app.command()
def api() -> None:
    """One API process: reports and push."""
    from api.main import run

    with plain_faults(quiet=False):
        raise typer.Exit(run(load_beside_up()))


@app.command()
def migrate(
    bi_user: Annotated[
        str | None, typer.Option(help="Also makes this read-only login on a ClickHouse server.")
    ] = None,
    bi_shop: Annotated[
        list[str] | None, typer.Option(help="A shop that it may see; may be repeated.")
    ] = None,
) -> None:
    """Creates the topics and brings the ClickHouse schema to this version."""
    from clickhouse.migrations import migrate as migrate_clickhouse
    from shopstream.broker import TopicAdmin
    from shopstream.cli.bi_user import bi_password, make_bi_user
    from shopstream.contracts.topics import TOPICS

    if (bi_user is None) != (not bi_shop):
        raise typer.BadParameter("go together", param_hint="--bi-user, --bi-shop")
    with plain_faults():
        settings = load_beside_up()
        with TopicAdmin(settings) as admin:
            report = admin.create_missing(TOPICS)
        for topic in report.created:
            typer.echo(f"created topic {topic}")
        for difference in report.differs:
            typer.echo(f"differs, left as it is: {difference}")
        ran = migrate_clickhouse(settings)
        for name in ran:
            typer.echo(f"ran migration {name}")
        topics = counted(len(report.created), "topic")
        typer.echo(f"{topics} created, {counted(len(ran), 'migration')} run")
        if bi_user and bi_shop:
            make_bi_user(settings, bi_user, bi_password(), bi_shop)
            typer.echo(f"BI user {bi_user} sees {counted(len(bi_shop), 'shop')}")


@app.command()
def produce(
    file: Annotated[str, typer.Argument(help="JSON lines, one event each; - for standard input.")],
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Events per second; as fast as it goes without.")
    ] = None,
    topic: Annotated[
        str | None, typer.Option(help="Send each line, whatever it is, to this topic.")
    ] = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Only the pipeline holds events to the contract.")
    ] = False,
) -> None:
    """Checks events and sends them to the topic of their type; prints the last one's topic:partition:offset."""
    from shopstream.cli.produce_command import produce_file

    with plain_faults():
        summary = produce_file(load_beside_up(), file, rate, topic, checked=not no_check)
        typer.echo(summary.sentence(), err=True)
        if summary.last:
            typer.echo(summary.last)
        raise typer.Exit(1 if summary.refused or summary.failed else 0)


@app.command("import")
def import_(
    platform: Annotated[str, typer.Argument(help="shopify, woocommerce, stripe or csv.")],
    file: Annotated[Path, typer.Argument(help="JSON, JSON lines, or CSV for csv.")],
    shop: Annotated[str, typer.Option(help="The shop whose history it is.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, send nothing.")
    ] = False,
    columns: Annotated[
        Path | None, typer.Option(help="csv: the column map, a TOML or .json file.")
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option("--map", help="csv: orderId=InvoiceNo and so on; may be repeated."),
    ] = None,
    currency: Annotated[str | None, typer.Option(help="csv: of all orders.")] = None,
    timezone: Annotated[str | None, typer.Option(help="csv: of times without offset.")] = None,
    date_format: Annotated[str | None, typer.Option(help="csv: such as %d/%m/%Y %H:%M.")] = None,
    cancelled_prefix: Annotated[
        str | None, typer.Option(help="csv: orders whose id begins with it are cancelled.")
    ] = None,
    delimiter: Annotated[str, typer.Option(help="csv: between cells; \\t for a tab.")] = ",",
    encoding: Annotated[str, typer.Option(help="csv: such as cp1252.")] = "utf-8-sig",
) -> None:
    """Sends a platform's history; goes on where it was stopped; exit 1 if something was refused."""
    from shopstream.cli.import_command import CSV, CsvFlags, import_file
    from shopstream.sources import PLATFORMS

    names = (*PLATFORMS, CSV)
    if platform not in names:
        raise typer.BadParameter(f"must be one of {', '.join(names)}", param_hint="PLATFORM")
    constants = {
        "currency": currency,
        "timezone": timezone,
        "dateFormat": date_format,
        "cancelledPrefix": cancelled_prefix,
    }
    if platform != CSV and (columns or pairs or any(constants.values())):
        raise typer.BadParameter("is for csv", param_hint="--columns, --map and constants")
    with plain_faults():
        flags = CsvFlags(columns, tuple(pairs or ()), constants, delimiter, encoding)
        summary = import_file(platform, file, shop, flags, dry_run=dry_run)
        typer.echo(summary.sentence(), err=True)
        if summary.last:
            typer.echo(summary.last)
        raise typer.Exit(1 if summary.refused else 0)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    address: Annotated[
        str | None,
        typer.Option(help="Only this address: api, kafka, clickhouse or bi, with its login."),
    ] = None,
) -> None:
    """Addresses, versions, freshness and lag of the running `up`; exit 1 if something is not ready."""
    from shopstream.cli.status import ADDRESSES, http_get, look

    if address is not None and address not in ADDRESSES:
        raise typer.BadParameter(f"must be one of {', '.join(ADDRESSES)}", param_hint="--address")
    with plain_faults():
        addresses = running_up()
        if address is not None:
            if not addresses.get(address):
                raise Fault(f"--address {address}: this `up` has none.")
            typer.echo(addresses[address])
            return
        found = look(addresses, data_directory().absolute(), _version(), http_get)
        typer.echo(json.dumps(found.document(), indent=2) if as_json else found.text())
        raise typer.Exit(0 if found.ready else 1)


@app.command()
def token(
    shop: Annotated[list[str], typer.Option(help="A shop it allows; may be repeated.")],
    role: Annotated[str, typer.Option(help="admin, staff or producer.")] = "admin",
    user: Annotated[str, typer.Option(help="The claim `sub`.")] = "dev",
    ttl: Annotated[str, typer.Option(help="How long it is valid: 90s, 30m, 1h, 7d.")] = "1h",
) -> None:
    """Prints a development token, alone on standard output."""
    from shopstream.cli.tokens import ROLES, duration, mint

    if role not in ROLES:
        raise typer.BadParameter(f"must be one of {', '.join(ROLES)}", param_hint="--role")
    try:
        life = duration(ttl)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--ttl") from None
    with plain_faults():
        key = token_key()
        try:
            text = mint(key, shop, datetime.now(UTC), role=role, user=user, ttl=life)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--shop, --user") from None
        typer.echo(text)


@app.command()
def verify(
    shop: Annotated[str | None, typer.Option(help="Only this shop.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Recomputes every report number from the latest versions; exit 1 if any differs."""
    from clickhouse.verify import verify as compare
    from shopstream.cli.steps_bar import steps_bar

    with plain_faults():
        settings = load_beside_up()
        with steps_bar("comparing") as advance:
            verdict = compare(settings, shop, advance)
        if shop is not None and not verdict.compared:
            raise Fault(
                f"--shop {shop}: there are no numbers of this shop, so nothing was compared."
            )
        if as_json:
            found = [difference.as_dict() for difference in verdict.differences]
            document = {"compared": verdict.compared, "differences": found}
            typer.echo(json.dumps(document, indent=2))
        else:
            for each in verdict.differences:
                typer.echo(str(each))
            rows = counted(verdict.compared, "row")
            typer.echo(f"{rows} compared, {counted(len(verdict.differences), 'difference')}")
        raise typer.Exit(1 if verdict.differences else 0)


@app.command()
def rebuild() -> None:
    """Makes every aggregate what the orders say, while serving; exit 1 if some could not be judged."""
    from pipeline.reconcile.rebuild import run
    from shopstream.cli.steps_bar import steps_bar

    with plain_faults():
        settings = load_beside_up()
        with steps_bar("rebuilding") as advance:
            done, notified = run(settings, lambda done, of, _: advance(done, of))
        typer.echo(f"{counted(done.repaired, 'row')} repaired")
        if not notified:
            typer.echo(
                "API processes could not be notified over Kafka: reports show the repairs within six minutes",
                err=True,
            )
        if done.unverified:
            typer.echo(
                f"{counted(done.unverified, 'row')} could not be judged while being written: run it again",
                err=True,
            )
        raise typer.Exit(1 if done.unverified else 0)
