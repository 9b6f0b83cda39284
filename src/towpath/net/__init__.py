"""The one door out for HTTP."""
