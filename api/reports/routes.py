"""`GET /reports/…` and `GET /stock`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from api import documents
from api.access import Access
from api.freshness.progress import ProgressBook
from api.freshness.topology import Look
from api.gate import Shares
from api.parameters import SHOP, Parameter, openapi, read_query
from api.reports import asked
from api.reports.answer import Content, answer
from api.reports.included import wait_included
from api.reports.kept import Given, Kept
from api.reports.reader import Reader
from api.reports.refusals import HEADER, Refusals
from api.reports.report import Report


@dataclass(frozen=True, slots=True)
class Door:
    """A route: `read` makes the question of its own parameters; every one has `shopId` and `includes` too."""

    path: str
    summary: str
    model: type[BaseModel]
    own: Sequence[Parameter]
    read: Callable[[asked.Query], Any]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """As they are documented."""
        return (SHOP, *self.own, asked.INCLUDES)


_SPAN = (asked.DAYS, asked.START, asked.END)
REPORTS: tuple[Door, ...] = (
    Door(
        "/reports/daily-sales",
        "Sales of one local day, by hour",
        documents.DailySales,
        (asked.DATE,),
        asked.daily_sales,
    ),
    Door(
        "/reports/weekly-sales",
        "Sales of seven local days",
        documents.WeeklySales,
        (asked.WEEK_START,),
        asked.weekly_sales,
    ),
    Door(
        "/reports/monthly-sales",
        "Sales of a month, by week",
        documents.MonthlySales,
        (asked.YEAR, asked.MONTH),
        asked.monthly_sales,
    ),
    Door(
        "/reports/metrics",
        "Totals, visitors and payments of some days, beside the days before",
        documents.Metrics,
        _SPAN,
        asked.metrics,
    ),
    Door(
        "/reports/trends",
        "Sales day by day, smoothed, and what changed",
        documents.Trends,
        _SPAN,
        asked.trends,
    ),
)
STOCK = Door(
    "/stock",
    "Levels as they now stand, a page at a time",
    documents.Stock,
    (asked.LOW, asked.LIMIT, asked.CURSOR),
    asked.stock_page,
)


class ReportRoutes:
    """`look` asks the broker for its topics as they are now; who waits for a place has one of `shares`."""

    def __init__(
        self,
        access: Access,
        reader: Reader,
        kept: Kept[Content],
        book: ProgressBook,
        look: Callable[[], Awaitable[Look]],
        shares: Shares,
        refusals: Refusals | None = None,
    ) -> None:
        self._refusals = refusals
        self._access = access
        self._reader = reader
        self._kept = kept
        self._book = book
        self._look = look
        self._shares = shares

    async def report(self, door: Door, request: Request) -> Response:
        """One report, or the place in `includes` in time, or a fault."""

        async def give(shop: str, question: Report, exact: bool) -> Given[Content]:
            return await self._kept.get(
                shop, question, lambda: self._reader.report(shop, question), exact=exact
            )

        return await self._answer(door, request, give)

    async def stock(self, door: Door, request: Request) -> Response:
        """A page of levels. No notice tells that a level changed, so only the progress can be trusted."""

        async def give(shop: str, question: Any, _: bool) -> Given[Content]:
            return await self._kept.get(
                shop, question, lambda: self._reader.stock(shop, question), exact=True
            )

        return await self._answer(door, request, give)

    async def _answer(
        self,
        door: Door,
        request: Request,
        give: Callable[[str, Any, bool], Awaitable[Given[Content]]],
    ) -> Response:
        shop = self._access.admin_shop(request)
        query = read_query(request.query_params, door.parameters)
        question = door.read(query)
        places = query["includes"]
        if places is None:
            return answer(request, await give(shop, question, False))
        with self._shares.place(shop):
            await wait_included(self._book, places, self._look)
            refused = await self._refusals.reason(shop, places) if self._refusals else None
            response = answer(request, await give(shop, question, True))
        if refused is not None:
            response.headers[HEADER] = refused.value
        return response

    def router(self) -> APIRouter:
        """The routes with their documentation."""
        routes = APIRouter()
        for door in REPORTS:
            _add(routes, door, self.report, "reports")
        _add(routes, STOCK, self.stock, "stock")
        return routes


def _add(
    routes: APIRouter,
    door: Door,
    serve: Callable[[Door, Request], Awaitable[Response]],
    tag: str,
) -> None:
    async def endpoint(request: Request) -> Response:
        return await serve(door, request)

    good = documents.good(door.model)
    routes.add_api_route(
        door.path,
        endpoint,
        methods=["GET"],
        response_class=Response,
        responses=documents.responses(good, 400, 401, 403, 503),
        openapi_extra=openapi(door.parameters),
        summary=door.summary,
        name=door.path.rpartition("/")[2],
        tags=[tag],
    )
