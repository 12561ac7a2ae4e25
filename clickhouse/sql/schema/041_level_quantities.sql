-- Units with 4 decimals: 0.5 kg is a level.
ALTER TABLE levels
    MODIFY COLUMN quantity Decimal(18, 4),
    MODIFY COLUMN `crossings.quantity` Array(Decimal(18, 4)),
    ADD COLUMN IF NOT EXISTS unit Nullable(String) COMMENT 'what the quantity counts' AFTER threshold
