"""A believable TikTok that ships with Towpath: an independent witness that imports nothing of it.

`core.Sandbox` is pure: calls in, replies out, time and chance given. `server` carries it over HTTP,
`admin` is the witness' own surface. Which answers are TikTok's and which are chosen by us is in
docs/sandbox.md.
"""

from towpath.sandbox.call import Call, Reply
from towpath.sandbox.clock import SettableClock
from towpath.sandbox.core import Sandbox
from towpath.sandbox.rules import Rules

__all__ = ["Call", "Reply", "Rules", "Sandbox", "SettableClock"]
