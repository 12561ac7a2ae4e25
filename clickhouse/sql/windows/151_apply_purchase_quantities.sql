-- The columns of `purchases`, in their order.
ALTER TABLE apply_purchases
    MODIFY COLUMN `items.quantity` Array(Decimal(18, 4)),
    MODIFY COLUMN `changes.units` Array(Decimal(18, 4))
