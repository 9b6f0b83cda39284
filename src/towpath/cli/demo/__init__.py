"""The demo: made-up people, a Canvas, and an independent reading of what must come out."""
