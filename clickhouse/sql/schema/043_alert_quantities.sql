ALTER TABLE alerts
    MODIFY COLUMN quantity Decimal(18, 4),
    MODIFY COLUMN on_order Decimal(38, 4)
