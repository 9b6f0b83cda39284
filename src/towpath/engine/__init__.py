"""Every moving part: small services with one method, `tick(now)`.

A tick does one bounded piece of work and says whether there is more. A loop calls the services in
production; the simulator calls them in a seeded order and jumps the clock between.
"""
