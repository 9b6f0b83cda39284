"""The audience ledger as set algebra: what we want in an audience, and what we know of it. Pure.

Architecture, section 5. `state` holds the sets, `events` changes them, `due` says who must be sent,
`arrivals` keeps the counters, `windows` knows how long an answer may still bite, `sharing` decides
on keys that several people hold. The store keeps the rows; nothing here reads a clock.
"""
