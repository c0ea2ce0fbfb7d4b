"""Many cheap callers, and what a server under them costs, carries and leaves behind."""
