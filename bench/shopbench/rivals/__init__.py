"""What a user would write instead. Each is a whole program; `progress` is all that the bench adds."""
