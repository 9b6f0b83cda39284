"""Which faults and paths a good number of runs must have met: a zero means that nobody looked.

A checker that never sees a path proves nothing about it (invariant I-77).
"""

from collections.abc import Mapping

from towpath.cli.simulation.journey import DOORS, KINDS
from towpath.cli.simulation.setting import FAULTS

PATHS = (
    *(f"fault {name}" for name in FAULTS),
    *("claimed: add", "claimed: remove", "retried", "halved", "several fields in one row"),
    *("a key left out", "a shared key sent", "found without a key when read", "key lost"),
    *("answer: applied", "answer: refused", "answer: unknown", "late answer"),
    *("settled: applied", "settled: refused", "settled: unknown"),
    *("repeated: add", "repeated: remove", "arrived while in flight", "fold"),
    *("marked: parked", "marked: keyless", "marked: held", "marked: left"),
    *("synced: known_in", "synced: already_out", "errored: gave_up", "errored: refused"),
    *("not_synced: no_consent", "not_synced: no_match_key", "not_synced: blocked"),
    *("not_synced: superseded", "not_synced: still_wanted", "not_synced: left_canvas"),
    *("worker died", "worker died with a claim not sent", "worker died with a request sent"),
    *("probe applied", "probe refused", "consent withdrawn"),
    *("wave moved", "wave moved late", "wave was fenced off", "canvas paused", "canvas stopped"),
    *("canvas resumed", "canvas resumed, overdue people leave", "canvas launched again"),
    *("clock jumped beyond 13 h", "clock jumped beyond 48 h", "the pace was used up"),
    *("another audience went first", "wanted and in", "unwanted and out"),
    *("weather: token revoked", "weather: token restored", "weather: connected again"),
    *("weather: ad account disabled", "weather: ad account enabled", "weather: role lost"),
    *("weather: off the allowlist", "weather: on the allowlist"),
    *("weather: unreachable", "weather: reachable", "weather: audience deleted at TikTok"),
    *(f"walked: {kind}" for kind in (*KINDS, "action_paths, ranked")),
    *("arrow entered", "arrow left", "arrow published", "arrow (published)", "arrow redirected"),
    *("arrow exited: exit criteria", "arrow exited: filter matched", "arrow exited: step gone"),
    *("arrow exited: overdue after a pause", "arrow exited: merged", "arrow exited: deleted"),
    *("arrow refused: control group", "arrow refused: entered before", "arrow refused: inside now"),
    *("arrow refused: entered too recently", "arrow refused: limit reached"),
    *("published", "launched by a double click", "merged", "deleted", "deleted and out"),
    *("webhook answered", "webhook to be tried again", "webhook failed", "webhook was fenced off"),
    *("worker died with people to call", "marked: unwanted", "healthy: in a request in time"),
    *(f"door: {door}" for door in DOORS),
    *("identifier changed", "identifier changed back", "identifier lost", "identifier gained"),
    *("identifier shared", "identifier changed in flight", "rules of normalising changed"),
    *("consent withdrawn for good reason", "consent withdrawn in flight", "consent granted again"),
    *("erased", "erased in flight", "erased identifier refused", "erasure confirmed"),
    *("limits: second", "limits: minute", "limits: day", "limits: ad account", "limits: back"),
    *("match field forbidden", "everyone removed first", "disconnected", "connected after a cut"),
    *("disconnected with requests loaded or in flight", "wanted by the register and in"),
    *("shared and judged", "judged by new rules", "barred and out", "answer: partial"),
    *("answer: audience gone or busy", "throttled again"),
)


def never_met(hits: Mapping[str, int]) -> list[str]:
    """The faults and paths that stayed at zero."""
    return [path for path in PATHS if not hits.get(path)]
