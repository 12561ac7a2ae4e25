-- The same as rests.sql, where no version has such refunds.
now_back AS now_rest,
prior_back AS prior_rest
