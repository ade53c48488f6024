"""`/server/analytics`: numbers for the product."""

from datetime import UTC, datetime

from aiohttp import web

from persistence.database.pool import Pool
from persistence.stats import store
from persistence.stats.shapes import AnalyticsAnswer, AnalyticsQuery
from persistence.stats.table import as_csv
from shared.http.cost import Cost
from shared.http.endpoint import Call, Endpoint, Nothing


def endpoints(pool: Pool) -> list[Endpoint]:
    async def read(call: Call[Nothing, AnalyticsQuery]) -> AnalyticsAnswer | web.Response:
        query = call.query
        span = query.span(datetime.now(UTC))
        found = await store.read(pool, query.names(), span, by_hour=query.step == "hour")
        if query.wants_csv(call.request.headers.get("Accept", "")):
            return web.Response(text=as_csv(found), content_type="text/csv", charset="utf-8")
        return AnalyticsAnswer(found)

    return [
        Endpoint(
            method="GET",
            path="/server/analytics",
            name="getAnalytics",
            handler=read,
            summary="Read numbers for the product",
            description="Hours and days of UTC that are over, each computed five minutes after its end and once more a"
            " day later. `at` is when the hour or day begins. Shares and medians of fewer than `ANALYTICS_MIN` people"
            " or observations are left out. `format=csv`, or `Accept: text/csv`, gives"
            " lines of metric, at and value.",
            tag="analytics",
            scope="analytics",
            admins=True,
            query=AnalyticsQuery,
            cost=Cost(lambda _, __: 4, per=1),
            response=AnalyticsAnswer,
            produces="text/csv",
        )
    ]
