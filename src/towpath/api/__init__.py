"""HTTP for people and machines: the API, and the pages that were built for it."""
