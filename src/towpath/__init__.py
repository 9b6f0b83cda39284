"""Towpath: a journey builder with an ad-audience engine, on one PostgreSQL.

People move as sets, never as rows. ARCHITECTURE.md names the rooms and the two walks.
"""

__version__ = "0.1.0"
