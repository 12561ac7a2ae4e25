"""`GET /reports/…`."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from shopstream.api.access import Access
from shopstream.api.documents import DailySales, responses
from shopstream.api.parameters import SHOP, Parameter, openapi, read_query
from shopstream.api.places import read_places
from shopstream.api.progress import ProgressBook
from shopstream.api.reports.answer import answer
from shopstream.api.reports.days import read_date
from shopstream.api.reports.included import wait_included
from shopstream.api.reports.reader import Reports
from shopstream.api.topology import Look

DATE = Parameter(
    "date",
    "A local date of the shop, YYYY-MM-DD; by default today.",
    read_date,
    {"type": "string", "format": "date"},
)
INCLUDES = Parameter(
    "includes",
    "A push cursor, or topic:partition:offset: the answer includes it, or is a 503 after 5 s.",
    read_places,
)
_DAILY = (SHOP, DATE, INCLUDES)


class ReportRoutes:
    """`look` asks the broker for its topics as they are now."""

    def __init__(
        self,
        access: Access,
        reports: Reports,
        book: ProgressBook,
        look: Callable[[], Awaitable[Look]],
    ) -> None:
        self._access = access
        self._reports = reports
        self._book = book
        self._look = look

    async def daily_sales(self, request: Request) -> Response:
        """Totals, hours and best products of a local day."""
        shop = self._access.admin_shop(request)
        query = read_query(request.query_params, _DAILY)
        if query["includes"] is not None:
            await wait_included(self._book, query["includes"], self._look)
        # before the engine is asked: what comes in between is more than was promised, never less
        as_of = self._book.as_of()
        return answer(request, await self._reports.daily_sales(shop, query["date"]), as_of)

    def router(self) -> APIRouter:
        """The routes with their documentation."""
        routes = APIRouter(prefix="/reports", tags=["reports"])
        routes.add_api_route(
            "/daily-sales",
            self.daily_sales,
            methods=["GET"],
            response_class=Response,
            responses=responses(
                {200: {"model": DailySales}, 304: {"description": "Not changed"}},
                400,
                401,
                403,
                503,
            ),
            openapi_extra=openapi(_DAILY),
            summary="Sales of one local day",
        )
        return routes
