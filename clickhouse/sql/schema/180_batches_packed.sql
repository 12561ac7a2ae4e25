-- A part below 4 MiB is one file instead of a dozen: of what a small insert costs, most is the making of files. Statistics of
-- columns, which each insert and each merge would make, change no plan of a statement here. Likewise the tables in 181 to 195.
ALTER TABLE batches MODIFY SETTING min_bytes_for_full_part_storage = 4194304, auto_statistics_types = ''
