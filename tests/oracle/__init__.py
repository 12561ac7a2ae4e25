"""What every number must be, from the events alone: plain Python, none of the product's code.

Written from contract sections 1 to 3; `compare` reads what the system has and prints each difference.
"""

from oracle.book import Book, Version
from oracle.compare import compare_letters, compare_reports, compare_tables
from oracle.report import daily_sales
from oracle.tables import Tables, tables

__all__ = [
    "Book",
    "Tables",
    "Version",
    "compare_letters",
    "compare_reports",
    "compare_tables",
    "daily_sales",
    "tables",
]
