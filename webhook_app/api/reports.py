"""Reports: what somebody should look at, and whom the shop should tell what."""

from __future__ import annotations

from loyalty.notices.repository import list_notices
from loyalty.reports.reviews import list_orders_to_review
from webhook_app.api.answers import ReviewSchema, page_of
from webhook_app.api.member_answers import ReminderSchema
from webhook_app.api.parts import Data, Resource, number_cursor, page, text_cursor, transaction
from webhook_app.api.questions import NoticesQuery, PageQuery

blueprint = Resource("reports", __name__, description="Reports.")


@blueprint.reads("/reports/orders-to-review", page_of(ReviewSchema), PageQuery)
def orders_to_review(query: Data) -> Data:
    """List orders that earn nothing because the rules cannot judge them, such as those in a foreign currency."""
    limit, after = query["limit"], text_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_orders_to_review(connection, after, limit + 1)
    return page(rows, limit, lambda row: row["key"])


@blueprint.reads("/notices", page_of(ReminderSchema), NoticesQuery)
def notices(query: Data) -> Data:
    """List what members must be told: points or a tier that end soon, or sooner than before; newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_notices(connection, query["member"], before, limit + 1)
    return page(rows, limit, lambda row: row["id"])
