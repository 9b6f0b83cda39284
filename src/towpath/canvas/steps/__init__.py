"""The kinds of steps: a file a kind, a line in `canvas/registry.py`."""
