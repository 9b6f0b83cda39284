"""What each kind of step does to the people who stand at it: a file a kind, a registry line."""
