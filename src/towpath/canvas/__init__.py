"""What a Canvas is: its graph, step kinds, entry rules, delays and launch findings. Pure."""
