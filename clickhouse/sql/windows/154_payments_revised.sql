-- When the numbers of payments last changed. A maximum among the sums: it keeps rows of zeros.
ALTER TABLE payments_15m ADD COLUMN IF NOT EXISTS revised SimpleAggregateFunction(max, DateTime('UTC'))
