"""The simulator: the engine on a real PostgreSQL, with time, chance and TikTok as the only fakes.

A seed makes a small world (`setting`, `world`) and a story of what happens in it (`story`): people
come, workers claim, send, die and come back, TikTok misbehaves, the clock jumps by hours. After
every step `checkers` look at every row, and at the end the world heals and must come to rest with
the audiences as they are wanted. The same seed gives the same digest.
"""
