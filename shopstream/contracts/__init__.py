"""What is said between processes: events, topics, rejects, money and time. No I/O, imports nothing of ours."""
