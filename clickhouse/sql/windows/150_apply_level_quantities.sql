-- The columns of `levels`, in their order.
ALTER TABLE apply_levels
    MODIFY COLUMN quantity Decimal(18, 4),
    MODIFY COLUMN `crossings.quantity` Array(Decimal(18, 4)),
    ADD COLUMN IF NOT EXISTS unit Nullable(String) AFTER threshold
