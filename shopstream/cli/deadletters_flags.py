"""`shopstream deadletters`: the flags of its two commands."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from shopstream.cli.environment import load_beside_up
from shopstream.cli.faults import plain_faults
from shopstream.contracts.reject import FORMER_REASONS, Reason
from shopstream.contracts.topics import INPUTS

if TYPE_CHECKING:
    from shopstream.cli.deadletters_filter import DeadLetterFilter

app = typer.Typer(no_args_is_help=True, help="Shows what was refused; sends it again.")

REASONS = (*(reason.value for reason in Reason), *FORMER_REASONS)
ReasonFlag = Annotated[
    str | None,
    typer.Option(help=f"Only those refused for this reason: {', '.join(REASONS)} (formerly)."),
]
TopicFlag = Annotated[str | None, typer.Option(help="Only records of this topic.")]
ShopFlag = Annotated[str | None, typer.Option(help="Only records that name this shop.")]
SinceFlag = Annotated[
    str | None, typer.Option(help="Only those refused since: 2h, 7d, or 2026-11-22T10:15:30Z.")
]


@app.command("list")
def list_(
    reason: ReasonFlag = None,
    topic: TopicFlag = None,
    shop: ShopFlag = None,
    since: SinceFlag = None,
    limit: Annotated[int, typer.Option(min=1, help="The last so many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with each that is refused from now on.")
    ] = False,
) -> None:
    """Shows the refused records, the last one at the end."""
    from shopstream.cli.deadletters_command import list_letters

    filters = _filters(reason, topic, shop, since)
    with plain_faults():
        list_letters(load_beside_up(), filters, limit, as_json, follow)


@app.command()
def retry(
    reason: ReasonFlag = None,
    topic: TopicFlag = None,
    shop: ShopFlag = None,
    since: SinceFlag = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The last so many; all without.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be sent.")
    ] = False,
) -> None:
    """Sends the refused records, as they were, to their topics again."""
    from shopstream.cli.deadletters_command import retry_letters

    filters = _filters(reason, topic, shop, since)
    with plain_faults():
        typer.echo(retry_letters(load_beside_up(), filters, limit, dry_run))


def _filters(
    reason: str | None, topic: str | None, shop: str | None, since: str | None
) -> "DeadLetterFilter":
    from shopstream.cli.deadletters_filter import DeadLetterFilter
    from shopstream.cli.deadletters_filter import since as read_since

    if reason is not None and reason not in REASONS:
        raise typer.BadParameter(f"must be one of {', '.join(REASONS)}", param_hint="--reason")
    if topic is not None and topic not in INPUTS:
        raise typer.BadParameter(f"must be one of {', '.join(INPUTS)}", param_hint="--topic")
    try:
        start = read_since(since, datetime.now(UTC)) if since is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None
    return DeadLetterFilter(reason, topic, shop, start)
