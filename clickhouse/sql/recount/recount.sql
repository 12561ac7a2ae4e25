-- Orders of a shop that count otherwise than by `statuses`, each written again over itself, with what it superseded: itself.
-- Names are no part of that: none is taken back.
INSERT INTO orders
SELECT * REPLACE (
    NOT o.counted AS counted,
    o.version AS prior_version,
    o.counted AS prior_counted,
    o.currency AS prior_currency,
    o.total AS prior_total,
    o.refund AS prior_refund,
    o.`items.product_id` AS `prior_items.product_id`,
    CAST(arrayMap(n -> NULL, o.`items.name`), 'Array(Nullable(String))') AS `prior_items.name`,
    o.`items.quantity` AS `prior_items.quantity`,
    o.`items.refunded` AS `prior_items.refunded`,
    o.`items.price` AS `prior_items.price`,
    o.`items.sold` AS `prior_items.sold`,
    o.`items.revenue` AS `prior_items.revenue`,
    o.`refunds.id` AS `prior_refunds.id`,
    o.`refunds.amount` AS `prior_refunds.amount`,
    o.`refunds.at` AS `prior_refunds.at`,
    o.status AS prior_status,
    o.tax AS prior_tax,
    o.shipping AS prior_shipping,
    o.discount AS prior_discount,
    o.tip AS prior_tip,
    o.placed_at AS prior_placed_at,
    {recount:UInt64} AS recount,
    {batch:UInt64} AS batch
)
FROM orders AS o FINAL
WHERE o.shop_key = {{shop_key|{shop:String}}} AND o.shop_id = {shop:String}
    AND o.counted != has({statuses:Array(String)}, o.status)
    AND o.order_id <= {last:String} AND {{fence}}
