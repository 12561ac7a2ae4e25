-- Whether some version of a row of `orders` has refunds with ids or parts of its total: the rows that apply/order_parts.sql is about.
(notEmpty(`refunds.id`) OR notEmpty(`prior_refunds.id`) OR coalesce(tax, shipping, discount, tip, prior_tax, prior_shipping, prior_discount, prior_tip) IS NOT NULL)
