"""ClickHouse in this process, behind the HTTP interface that its clients speak."""
