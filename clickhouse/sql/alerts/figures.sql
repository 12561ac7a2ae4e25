-- Of each product in `wanted`: its latest name, as far as an alert has it (`gone` where that no longer stands), units on
-- order, and units sold in counted orders of any currency in the period of its shop in `periods`.
SELECT shop_id, product_id, named.name AS name, named.gone AS gone, ordered.units AS on_order, sold.units AS sold
FROM wanted
LEFT ANY JOIN
(
    SELECT shop_id, product_id, if(best.1 = 0, NULL, best.4) AS name, best.1 > 0 AND (best.1, best.2) = taken AS gone
    FROM
    (
        SELECT
            shop_id,
            product_id,
            max((latest.micros, latest.tie, latest.line, substringUTF8(latest.name, 1, {text:UInt32}))) AS best,
            max(product_names.gone) AS taken
        FROM product_names
        WHERE (shop_id, product_id) IN (SELECT shop_id, product_id FROM wanted)
        GROUP BY shop_id, product_id
    )
) AS named USING (shop_id, product_id)
LEFT ANY JOIN
(
    SELECT shop_id, product_id, sum(on_order.units) AS units
    FROM on_order
    WHERE (shop_id, product_id) IN (SELECT shop_id, product_id FROM wanted)
    GROUP BY shop_id, product_id
) AS ordered USING (shop_id, product_id)
LEFT ANY JOIN
(
    SELECT shop_id, product_id, sum(quantity) AS units
    FROM order_windows AS sales
    INNER JOIN periods ON periods.shop_id = sales.shop_id
    WHERE sales.grain = 'product_15m' AND sales.shop_id IN (SELECT shop_id FROM periods)
        AND sales.start >= (SELECT min(start) FROM periods)
        AND sales.start >= periods.start AND sales.start < periods.end
        AND (sales.shop_id, sales.product_id) IN (SELECT shop_id, product_id FROM wanted)
    GROUP BY shop_id, product_id
) AS sold USING (shop_id, product_id)
