"""The second half of a run: all faults end, and the world must come to rest by itself."""

from datetime import timedelta

from towpath.cli.simulation import weather
from towpath.cli.simulation.story import Story
from towpath.cli.simulation.worker import SimulatedWorker
from towpath.clock import Instant
from towpath.engine.claim import STREAMING
from towpath.limits import STRAY_LOOK_S
from towpath.store import arrivals, permits, requests, resends, stray_receipts

ROUNDS_MAX = 120
PATIENT_ROUNDS = 10
STEPS_MAX = 400
TOLD_MAX = 600
"""How much may happen; a healthy world needs a tenth of it."""


class RestlessError(AssertionError):
    """The healed world does not come to rest."""


def heal(story: Story) -> None:
    """End all faults, and work until nothing is left to do; then let every window pass."""
    world = story.world
    weather.heal(world)
    story.heal()
    world.tell("all is well from now on")
    before, looked = len(world.trace), False
    for turn in range(ROUNDS_MAX):
        _work(story)
        if len(world.trace) > before + TOLD_MAX:
            raise RestlessError("the healed world goes on and on")
        ahead = _next_moment(story, patient=turn < PATIENT_ROUNDS)
        if ahead is None and looked:
            break
        # What is looked at again and again may have become certain with the last window's end.
        looked = ahead is None
        ahead = ahead or timedelta(seconds=STRAY_LOOK_S + 1)
        story.pass_time(max(ahead, timedelta(milliseconds=20)))
    else:
        raise RestlessError("the healed world did not come to rest")
    settled = world.sandbox.settled_at() - world.now.timestamp()
    story.pass_time(timedelta(seconds=max(settled, 0) + 1))
    world.tell("rest")


def _next_moment(story: Story, *, patient: bool) -> timedelta | None:
    """How long until something must happen; None: nothing will."""
    world = story.world
    db, now = world.db, world.now
    look, free = _next_look(story), permits.next_free(db, world.app, STREAMING)
    found = [
        requests.next_lease(db),
        resends.next_due(db),
        arrivals.next_deadline(db),
        # A window's end; sooner than that, what never heals is looked at again and again.
        stray_receipts.next_look(db, now + timedelta(hours=1)),
        max(look, free) if look is not None and free is not None else look,
        *story.due(),
        *(flight.lands_at for worker in story.workers for flight in worker.flights),
    ]
    deadline = found[2]
    if deadline is not None and deadline > now and not patient:
        # Somebody waits for what never heals, as for an audience that is gone.
        found = [deadline]
    moments = [moment for moment in found if moment is not None]
    ahead = [moment for moment in moments if moment > now]
    if moments and not ahead:
        return timedelta(seconds=1)
    return min(ahead) - now if ahead else None


def _next_look(story: Story) -> Instant | None:
    """When the sender looks next; but not at what is gone, once nobody waits for it any more: its
    last removals are tried for ever."""
    world, records = story.world, story.records
    gone = {one.id for one in world.audiences if one.ref not in world.sandbox.world.audiences}
    awaited = {one.audience for one in records.arrivals.values() if one.waiting}
    looks = [
        book.head[7]
        for book in records.books.values()
        if book.head and book.head[7] and (book.audience not in gone or book.audience in awaited)
    ]
    return min(looks, default=None)


def _work(story: Story) -> None:
    """Let all workers do everything that can be done at this time."""
    for _ in range(STEPS_MAX):
        before = len(story.world.trace)
        _let_time_pass(story, story.workers[0])
        for worker in story.workers:
            story.told(story.claim_by(worker))
            story.carry_all(worker)
        if len(story.world.trace) == before:
            story.world.deadlines_quiet = True
            story.look("nothing more to do")
            story.world.deadlines_quiet = False
            return
    raise RestlessError("work that never ends")


def _let_time_pass(story: Story, worker: SimulatedWorker) -> None:
    """Deadlines, probes and waves; only what did something is told."""
    world = story.world
    world.beat()
    if worker.deadlines.tick(world.now):
        story.told("deadlines do something")
    if worker.probe():
        story.told("probe")
    story.walk_on(worker)
