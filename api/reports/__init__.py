"""Reports: rows of the windows to the body of an answer."""
