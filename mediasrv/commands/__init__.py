"""The commands of the command line, a module each, with an ``add`` that teaches the parser."""
