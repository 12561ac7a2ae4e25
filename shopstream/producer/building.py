"""From a typed model to its CloudEvent. Pure but for fresh ids."""

import uuid
from datetime import datetime
from typing import Any, TypedDict

from shopstream.producer.models import Model, Payment, Purchase, Visit
from shopstream.producer.plain import plain


class About(TypedDict, total=False):
    """What any event may have; None is as not given. Sent again it needs the `event_id` it had."""

    event_id: str | None
    """A fresh UUID where it is not given."""
    time: datetime | None
    """When it happened: `updated_at` or `at` of the model where it is not given."""
    user_id: str | None
    """Push delivers the event to this user only."""


def cloudevent(kind: str, source: str, shop_id: str, model: Model, about: About) -> dict[str, Any]:
    """The event, ready for JSON.

    Raises:
        InvalidEvent: a value that has no form in the contract.
        TypeError: `about` has another name than those of `About`.
    """
    # a misspelt event_id would make a second event of every retry
    if unknown := about.keys() - About.__annotations__.keys():
        raise TypeError(f"there is no {', '.join(sorted(unknown))} of an event")
    event_id, user = about.get("event_id"), about.get("user_id")
    return {
        "specversion": "1.0",
        "id": plain(str(uuid.uuid4()) if event_id is None else event_id, "id"),
        "source": plain(source, "source"),
        "type": kind,
        "time": plain(about.get("time") or _happened(model), "time"),
        "shopid": plain(shop_id, "shopid"),
        **({} if user is None else {"userid": plain(user, "userid")}),
        "data": plain(model, "data"),
    }


def _happened(model: Model) -> datetime:
    return model.at if isinstance(model, Payment | Purchase | Visit) else model.updated_at
