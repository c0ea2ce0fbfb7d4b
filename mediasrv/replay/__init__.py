"""Captures of calls, and their replay."""
