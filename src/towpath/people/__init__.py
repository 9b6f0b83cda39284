"""Who people are: profiles, filters, match fields, consent, and sets of profile numbers. Pure."""
