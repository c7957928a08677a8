"""Events out: each wanted event of the log is posted to each webhook, at least once."""
