"""The pages that a person can open: consent, Ads Manager, the console, and what is documented.

Plain HTML without scripts or anything from elsewhere; every value is escaped by `html.fill`.
"""
