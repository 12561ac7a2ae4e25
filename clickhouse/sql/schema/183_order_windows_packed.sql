-- See 180.
ALTER TABLE order_windows MODIFY SETTING min_bytes_for_full_part_storage = 4194304, auto_statistics_types = ''
