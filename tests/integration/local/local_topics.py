"""Topics of a broker that others share."""

from confluent_kafka.admin import AdminClient

from support.waiting import eventually


def delete_topics(bootstrap: str, *names: str) -> None:
    """The broker no longer knows them when this returns."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for deleted in admin.delete_topics(list(names)).values():
        deleted.result(10)
    eventually(lambda: not admin.list_topics(timeout=5).topics.keys() & set(names))
