"""One story: a seed decides who comes, what is claimed, how TikTok answers, and how time passes.

The book of sets and the person model live through it side by side and are compared after every
step; at the end faults stop, windows pass, and TikTok's own membership is the judge.
"""

from collections import Counter as Tally
from datetime import UTC, datetime, timedelta
from random import Random

from tests.ledger import person_model
from tests.ledger.book_rows import Request, Stopped
from tests.ledger.changing_book import ChangingBook
from tests.ledger.fickle_tiktok import FickleTikTok
from tests.ledger.person_model import PersonModel, check
from tests.ledger.set_book import Keys, SetBook

from towpath.ledger.events import Settling
from towpath.ledger.windows import Windows
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import people

EMAIL, PHONE = MatchField.EMAIL, MatchField.PHONE
WORD = {Action.ADD: person_model.ADD, Action.REMOVE: person_model.REMOVE}
ASKINGS = [(EMAIL,), (PHONE,), (EMAIL, PHONE)]
START = datetime(2026, 3, 1, tzinfo=UTC)
SPANS = Windows()
WAITS = [timedelta(seconds=s) for s in (1, 1, 6, 6, 20, 61, 700, 7_200, 50_000, 90_000, 173_500)]
QUICK = [timedelta(seconds=s) for s in (1, 1, 6, 6, 20, 61, 3_600)]
FATES = {
    "applied": 6,
    "refused": 2,
    "unknown, never accepted": 1,
    "unknown, accepted": 1,
    "unknown, accepted later": 2,
    "worker died": 2,
}
STEPS = {"arrive": 30, "claim": 30, "answer": 32, "wait": 12, "retry by hand": 1, "lose a key": 1}
CHANGING = STEPS | {"retry by hand": 0, "lose a key": 0, "change a key": 12}


def some_keys(chance: Random, count: int, emails: int) -> Keys:
    """Who holds which keys: `emails` addresses (0: one each), fewer phones shared, some without."""
    keys: Keys = {}
    for person in range(count):
        owner = chance.randrange(emails) if emails else person
        other = chance.randrange(count) if emails and chance.random() < 0.4 else person + count
        mine = {EMAIL: f"email {owner}", PHONE: f"phone {other}"}
        for name, share in ((EMAIL, 0.15), (PHONE, 0.3)):
            if chance.random() < share:
                del mine[name]
        keys[person] = mine
    return keys


class Story:
    """The two accounts of one audience, TikTok, and a clock."""

    def __init__(
        self,
        seed: int,
        book: type[SetBook] = SetBook,
        *,
        compared: bool = True,
    ) -> None:
        self.chance = chance = Random(seed)
        self.compared = compared
        self.steps = CHANGING if issubclass(book, ChangingBook) else STEPS
        self.now = START
        self.hits: Tally[str] = Tally()
        count = chance.choice([1, 2, 3, 5, 8])
        self.waits, self.edges = chance.choice([(WAITS, 0.3), (QUICK, 0.1), (QUICK, 0.4)])
        self.fates = FATES | {"applied": chance.choice([4, 8, 40])}
        keys = some_keys(chance, count, chance.choice([0, 0, 1, 2, max(2, count // 2)]))
        withdrawn = {p for p in keys if chance.random() < chance.choice([0, 0, 0.2])}
        foreign = chance.random() < 0.25
        self.askings: list[tuple[MatchField, ...]] = chance.choice(
            [[(EMAIL, PHONE)], [(EMAIL,), (PHONE,)], ASKINGS]
        )
        self.book = book(keys, people(withdrawn), foreign, SPANS, chance)
        plain = {p: {str(n): k for n, k in of_person.items()} for p, of_person in keys.items()}
        self.model = PersonModel(plain, withdrawn, foreign=foreign)
        self.tiktok = FickleTikTok(SPANS.processing, chance)
        if foreign:
            everything = sorted({k for of_person in keys.values() for k in of_person.values()})
            self.tiktok.members = {key for key in everything if chance.random() < 0.4}
        self.there_before = frozenset(self.tiktok.members)
        self.late: list[tuple[datetime, int, Settling]] = []

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Now, and when whoever waits from now on is given up."""
        return self.now, self.now + SPANS.give_up

    def run(self, steps: int = 90) -> None:
        """Live through it. Raises DisagreementError where the accounts or TikTok differ."""
        happenings = {
            "arrive": self.arrive,
            "claim": self.claim_some,
            "answer": self.answer_one,
            "wait": self.wait_some,
            "retry by hand": self.retry_by_hand,
            "lose a key": self.lose_a_key,
            "change a key": self.change_a_key,
        }
        for _ in range(steps):
            step = self.chance.choices(list(self.steps), list(self.steps.values()))[0]
            happenings[step]()
            self.tick()
            self.compare(step)
        self.heal()
        self.judge()

    # What may happen.

    def arrive(self) -> None:
        """A few people come to a step."""
        action = self.chance.choice([Action.ADD, Action.ADD, Action.REMOVE])
        asked = self.chance.choice(self.askings)
        everybody = sorted(self.model.keys)
        members = people(self.chance.sample(everybody, self.chance.randint(1, len(everybody))))
        if members & self.book.in_flight(action.contrary):
            self.hits["arrived while in flight the other way"] += 1
        arrival = self.book.arrive(action, asked, members, self.now)
        self.model.arrive(
            int(arrival), WORD[action], {str(name) for name in asked}, set(members), self.span
        )

    def claim_some(self) -> None:
        """Some who are due leave, a few a request."""
        action = self.chance.choice([Action.ADD, Action.REMOVE, Action.REMOVE])
        some = people(p for p in self.book.keys if self.chance.random() < 0.7)
        self.claim(action, self.chance.randint(1, 4), self.chance.randint(1, 2), some)

    def claim(self, action: Action, size: int, most: int, some: object) -> list[Request]:
        """Claim, and let the model check every request."""
        found = []
        for one in self.book.claim(action, self.now, size, most, some):
            fields, persons = {str(name) for name in one.fields}, set(one.members)
            if isinstance(one, Stopped):
                self.hits[f"stopped: {WORD[action]}"] += 1
                if self.compared:
                    self.model.stop(WORD[action], fields, persons)
                continue
            if self.compared:
                keys = self.model.claim(
                    one.id, WORD[action], fields, persons, one.started_at, one.lease_until
                )
                check(keys == one.sent, f"request {one.id} carries {set(one.sent)}, not {keys}")
            self.hits["retried"] += one.tries > 1
            self.hits["fields in one row"] += len(fields) > 1
            self.hits["key left out of a removal"] += any(one.omitted.values())
            found.append(one)
        return found

    def answer_one(self) -> None:
        """TikTok answers a request in flight somehow, or its worker dies."""
        flying = [
            r
            for r in self.book.requests.values()
            if r.settling is None and not any(r.id == number for _, number, _ in self.late)
        ]
        if flying:
            fate = self.chance.choices(list(self.fates), list(self.fates.values()))[0]
            self.answer(self.chance.choice(flying), fate)

    def answer(self, request: Request, fate: str) -> None:
        """Let this fate befall the request."""
        self.hits[fate] += 1
        word = WORD[request.action]
        limit = request.lease_until + SPANS.acceptance
        later = self.now + (limit - self.now) * self.chance.choice([0.1, 0.5, 0.999])
        if fate in ("applied", "unknown, accepted"):
            self.tiktok.accept(word, request.sent, self.now)
        elif fate == "unknown, accepted later":
            self.tiktok.accept(word, request.sent, later)
        elif fate == "worker died":
            accepted = self.chance.random() < 0.6
            if accepted:
                self.tiktok.accept(word, request.sent, later)
            settling = Settling.APPLIED if accepted else Settling.REFUSED
            self.late.append((max(later, request.lease_until), request.id, settling))
            return
        told = fate.split(",", maxsplit=1)[0]
        self.settle(request.id, Settling(told))

    def settle(self, number: int, settling: Settling) -> None:
        """An answer, told to both."""
        self.book.settle(number, settling, self.now)
        self._tell(number, settling)

    def _tell(self, number: int, settling: Settling) -> None:
        if not self.compared:
            return
        request = self.book.requests[number]
        held = None if settling is Settling.APPLIED else request.retry_at
        window = None
        if settling is Settling.APPLIED:
            window = self.now + SPANS.processing
        elif settling is Settling.UNKNOWN:
            window = request.lease_until + SPANS.acceptance + SPANS.processing
        self.model.settle(number, str(settling), window, held)

    def wait_some(self) -> None:
        """Time passes: some span, or until just before or after something that must happen."""
        ahead = sorted(moment for moment in self._moments() if moment > self.now)
        if ahead and self.chance.random() < self.edges:
            edge = (
                self.chance.choice(ahead)
                - self.now
                + timedelta(seconds=self.chance.choice([-0.5, 0, 0.5]))
            )
            self.wait(max(edge, timedelta(seconds=0.1)))
        else:
            self.wait(self.chance.choice(self.waits))

    def _moments(self) -> set[datetime]:
        """When windows, backoffs and waiting end."""
        found = {one.due_at for one in self.book.resends}
        found |= {one.deadline for one in self.book.opened.values() if one.waiting}
        return found | {r.retry_at for r in self.book.requests.values() if r.retry_at is not None}

    def wait(self, span: timedelta) -> None:
        """Time passes; leases and windows end; late answers come after that, too late."""
        self.now += span
        self.tick()
        come = [one for one in self.late if one[0] <= self.now]
        self.late = [one for one in self.late if one[0] > self.now]
        for _, number, settling in come:
            self.settle(number, settling)

    def tick(self) -> None:
        """Both look at the clock."""
        for number in self.book.tick(self.now):
            self.hits["lease ran out"] += 1
            self._tell(number, Settling.UNKNOWN)
        if self.compared:
            self.model.tick(self.now)

    def retry_by_hand(self) -> None:
        """Somebody clicks: errored people wait again."""
        parked = sorted({person for person, _ in self._parked()})
        if parked:
            some = set(self.chance.sample(parked, self.chance.randint(1, len(parked))))
            self.book.retry_by_hand(people(some), self.now)
            self.model.retry_by_hand(some, self.span)

    def lose_a_key(self) -> None:
        """An identifier that was never sent is deleted; whoever waits with it is found keyless."""
        sent = {key for request in self.book.requests.values() for key in request.sent}
        flying = self.book.in_flight()
        some = [
            (person, name)
            for person, keys in self.book.keys.items()
            for name, key in keys.items()
            if key not in sent and person not in flying and person not in self.book.withdrawn
        ]
        if some and not self.book.foreign:
            person, name = self.chance.choice(some)
            self.hits["key lost"] += 1
            del self.book.keys[person][name]
            del self.model.keys[person][str(name)]

    def change_a_key(self) -> None:
        """An identifier is gained, lost, or another one, perhaps somebody else's or an earlier."""
        assert isinstance(self.book, ChangingBook)
        person = self.chance.choice(sorted(self.model.keys))
        if person in self.model.withdrawn:
            return
        name = self.chance.choice([EMAIL, PHONE])
        known = {k.get(name) for k in self.book.keys.values()} - {None}
        new = f"{name} {self.chance.randrange(1_000)}"
        key = self.chance.choice([None, new, new, *sorted(filter(None, known))])
        old = self.book.keys[person].get(name)
        if key == old:
            return
        kind = "gained" if old is None else "lost" if key is None else "changed"
        numbers = len(self.book.keys)
        self.book.change_key(person, name, key, self.now)
        self.model.keys[person].pop(str(name), None)
        if key is not None:
            self.model.keys[person][str(name)] = key
        self.hits[f"key {kind}"] += 1
        self.hits["old key strays"] += len(self.book.keys) > numbers
        flying = [r for r in self.book.requests.values() if r.settling is None]
        self.hits["key changed in flight"] += any(person in r.changed for r in flying)

    # The two accounts, and the judge.

    def compare(self, after: str) -> None:
        """The accounts tell the same of who is due, who waits, and how all others are counted."""
        sent = [key for r in self.book.requests.values() if r.settling is None for key in r.sent]
        check(len(sent) == len(set(sent)), f"after {after}: a key in flight twice")
        if not self.compared:
            return
        for name, words in self.book.state.fields.items():
            for word, members in (("in", words.acked), ("perhaps", words.maybe)):
                theirs = {p for p in self.model.keys if self.model.word(p, name) == word}
                check(set(members) == theirs, f"after {after}: {name} {word}: {members}, {theirs}")
        check(self._parked() == self.model.parked, f"after {after}: others are parked")
        for action in Action:
            ours = {str(name): found for name, found in self.book.due(action, self.now).items()}
            due = self.model.due(WORD[action], self.now)
            check(ours == due, f"after {after}: to {WORD[action]}: {ours}, not {due}")
        ours_counted, theirs_counted = self.book.outcomes, self.model.counted()
        odd = set(ours_counted.items()) ^ set(theirs_counted.items())
        check(not odd, f"after {after}: counted otherwise: {odd}")
        pending = self.book.pending()
        check(pending == self.model.pending(), f"after {after}: others wait")
        check(not pending & set(ours_counted), f"after {after}: waiting, and counted")

    def heal(self) -> None:
        """Faults stop: everything that leaves is applied, until nothing leaves any more."""
        everybody = people(self.book.keys)
        for _ in range(6):
            self.wait(SPANS.lease + SPANS.acceptance + SPANS.retry_most * 1.3)
            for _ in range(2 * len(everybody)):
                flown = [
                    request
                    for action in (Action.REMOVE, Action.ADD)
                    for request in self.claim(action, 1_000, 32, everybody)
                ]
                for request in flown:
                    self.answer(request, "applied")
                    self.tick()
                    self.compare("healing")
                if not flown and not self.book.in_flight():
                    break
            self.wait(SPANS.processing + SPANS.acceptance + SPANS.lease)
            self.tick()
            self.compare("a long wait")

    def judge(self) -> None:
        """Nobody waits, and TikTok holds whom we want and nobody else."""
        check(not self.book.pending(), f"left pending: {self.book.pending()}")
        check(not self.book.in_flight() and not self.book.resends, "something never ends")
        self.now += SPANS.processing + SPANS.acceptance
        self.tiktok.pass_to(self.now)
        model, found, parked = self.model, self.tiktok.members, self._parked()
        for there in sorted(found):
            check(self._may_be_in(there), f"{there} is in the audience, and must not be")
        check(not {k for k in self.tiktok.accepted if model.blocked(k)}, "a blocked key was added")
        for person, want in model.want.items():
            for name, wanted in want.items():
                key = model.keys[person].get(name)
                if wanted and key and not model.blocked(key) and (person, name) not in parked:
                    check(key in found, f"{person}'s {key} is wanted, and lost")
        self.hits["wanted and in"] += bool(found)

    def _may_be_in(self, key: str) -> bool:
        model, name = self.model, key.split(maxsplit=1)[0]
        holders = [p for p, keys in model.keys.items() if keys.get(name) == key]
        if any((p, name) in self._parked() for p in holders):
            self.hits["in, since given up on"] += 1
            return True
        wishes = [model.want[p].get(name) for p in holders]
        if any(wishes) and not model.blocked(key):
            return True
        return key in self.there_before and False not in wishes

    def _parked(self) -> set[tuple[int, str]]:
        states = self.book.state.fields.items()
        return {(person, str(name)) for name, one in states for person in one.parked}


def tell(seed: int, book: type[SetBook] = SetBook, *, compared: bool = True) -> Tally[str]:
    """Live through the story of a seed; gives how often each path was taken.

    Not `compared`: without the model, so that TikTok's membership alone is the judge; so
    it must be for a `ChangingBook`, whose people's keys change.
    """
    story = Story(seed, book, compared=compared)
    story.run()
    return story.hits + story.model.hits
