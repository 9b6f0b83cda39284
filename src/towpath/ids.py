"""Typed ids, so that a wave is never looked up by a Canvas' number.

All are dense integers given by PostgreSQL, except a step's, which is the name it has in its Canvas.
A partner's own ids are text from end to end: they exceed 2^53 (tiktok-api, section 2).
"""

from typing import NewType

WorkspaceId = NewType("WorkspaceId", int)
ProfileNumber = NewType("ProfileNumber", int)
CanvasId = NewType("CanvasId", int)
VersionId = NewType("VersionId", int)
StepId = NewType("StepId", str)
WaveId = NewType("WaveId", int)
EntryId = NewType("EntryId", int)
AppId = NewType("AppId", int)
ConnectionId = NewType("ConnectionId", int)
AdAccountId = NewType("AdAccountId", int)
AudienceId = NewType("AudienceId", int)
ArrivalId = NewType("ArrivalId", int)
RequestId = NewType("RequestId", int)
SegmentId = NewType("SegmentId", int)
ApiKeyId = NewType("ApiKeyId", int)
MemberId = NewType("MemberId", int)
PartnerRef = NewType("PartnerRef", str)
"""An id that the partner gave: an audience's, an ad account's, a request's."""
