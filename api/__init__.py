"""Tables to reports to HTTP; topics to the hub to streams; who may see which."""
