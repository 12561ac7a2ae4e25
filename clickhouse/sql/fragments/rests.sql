-- What refunds with ids leave of what is no revenue.
if(counted OR status = 'refunded', now_back - arraySum(`refunds.amount`), 0) AS now_rest,
if(prior_counted OR prior_status = 'refunded', prior_back - arraySum(`prior_refunds.amount`), 0) AS prior_rest
