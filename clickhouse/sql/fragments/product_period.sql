-- What the products of a shop sold in a period, which six boundaries split (`at`, see `window_boundaries`).
order_windows AS sums
WHERE shop_id = {shop:String}
    AND (
        grain = 'product_15m' AND (sums.start >= at[1] AND sums.start < at[2] OR sums.start >= at[5] AND sums.start < at[6])
        OR grain = 'product_day' AND (sums.start >= at[2] AND sums.start < at[3] OR sums.start >= at[4] AND sums.start < at[5])
        OR grain = 'product_month' AND sums.start >= at[3] AND sums.start < at[4]
    )
