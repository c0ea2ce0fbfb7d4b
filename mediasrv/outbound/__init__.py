"""Calls that we make: whether one may be made, when, and how it is placed once and no more."""
