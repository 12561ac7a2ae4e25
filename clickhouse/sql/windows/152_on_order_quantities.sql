ALTER TABLE on_order MODIFY COLUMN units Decimal(38, 4)
