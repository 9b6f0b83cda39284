"""Where things rest: the only room with SQL, one `.py` and one `.sql` a noun."""
