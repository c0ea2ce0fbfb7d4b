"""Servers of others, on the same calls as ours; their programs run in environments of their own."""
