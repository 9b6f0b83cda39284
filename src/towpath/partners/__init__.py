"""Who receives people: the `Partner` protocol, the registry, and a folder a partner."""
