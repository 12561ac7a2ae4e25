-- What refunds with ids leave of what is no revenue.
if(status IN ('cancelled', 'failed'), 0, now_back - arraySum(`refunds.amount`)) AS now_rest,
if(prior_status IN ('', 'cancelled', 'failed'), 0, prior_back - arraySum(`prior_refunds.amount`)) AS prior_rest
