"""Events, a request and what its answer must say: literal, thought out by hand."""

from report_cases.case import Case
from report_cases.lines_and_refunds import CASES as LINES_AND_REFUNDS
from report_cases.local_days import CASES as LOCAL_DAYS
from report_cases.long_periods import CASES as LONG_PERIODS
from report_cases.numbers import CASES as NUMBERS
from report_cases.stock import CASES as STOCK
from report_cases.weeks_and_months import CASES as WEEKS_AND_MONTHS

CASES: list[Case] = [
    *LOCAL_DAYS,
    *WEEKS_AND_MONTHS,
    *LONG_PERIODS,
    *NUMBERS,
    *LINES_AND_REFUNDS,
    *STOCK,
]
