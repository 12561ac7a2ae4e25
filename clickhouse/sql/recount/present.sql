-- The statuses under which the orders of each shop count that has some of its own, or had, and since which claim.
SELECT shop_id, argMax(counted_statuses.statuses, claim) AS statuses, max(counted_statuses.claim) AS since
FROM counted_statuses
GROUP BY shop_id
