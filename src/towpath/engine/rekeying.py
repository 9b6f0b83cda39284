"""Rekeying: when the rules of normalising change, keys made by the old ones are made anew.

A chunk of people a tick, in one transaction; whose key differs is followed like anybody whose
identifier changes, so the old key leaves every audience and the new one arrives. Invariant I-29.
"""

from dataclasses import dataclass

from towpath.clock import Instant
from towpath.limits import REKEYED_PER_TICK
from towpath.people.columns import Refusal
from towpath.people.match_field import MatchField
from towpath.people.normalise import CURRENT_RULE, RULES, Reader, RuleSet
from towpath.store import match_keys, workspaces
from towpath.store.database import Db


@dataclass(slots=True)
class Rekeying:
    """The service that brings keys to the current rules; any number of workers may run one."""

    db: Db
    rules: RuleSet = RULES[CURRENT_RULE]

    def tick(self, now: Instant) -> bool:
        """Rewrite a chunk; says whether there may be more."""
        found = match_keys.of_other_rules(self.db, self.rules.version, REKEYED_PER_TICK)
        if found is None:
            return False
        with self.db.transaction():
            workspaces.lock(self.db, found.workspace)
            # Asked again under the lock: somebody may have had another identifier meanwhile.
            clear = match_keys.of_other_rules(self.db, self.rules.version, REKEYED_PER_TICK)
            if clear is None or clear.workspace != found.workspace:
                return True
            readers = self.rules.readers
            emails = [_digest(readers[MatchField.EMAIL], one) for one in clear.emails]
            phones = [_digest(readers[MatchField.PHONE], one) for one in clear.phones]
            match_keys.rewrite(self.db, clear, emails, phones, self.rules.version, now)
        return True


def _digest(read: Reader, text: str | None) -> bytes | None:
    if text is None:
        return None
    found = read(text)
    return None if isinstance(found, Refusal) else found.digest
