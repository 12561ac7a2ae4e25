ALTER TABLE purchases
    MODIFY COLUMN `items.quantity` Array(Decimal(18, 4)),
    MODIFY COLUMN `changes.units` Array(Decimal(18, 4))
