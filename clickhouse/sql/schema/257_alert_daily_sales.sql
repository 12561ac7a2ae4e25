-- What a shop says it has sold is bounded by line, not in all: 18 digits do not hold every sum.
ALTER TABLE alerts MODIFY COLUMN daily_sales Decimal(38, 2)
