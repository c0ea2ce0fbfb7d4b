"""Turn-taking, measured from outside: what callers say, what they hear, and what that was worth."""
