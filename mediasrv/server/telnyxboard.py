"""Handing calls over on Telnyx: by commands, while the caller stays with us until somebody else has him.

    put through   transfer ─► the other leg rings ─► call.bridged: gone                  call.hangup: the outcome
    briefed       dial ─► call.answered ─► speak ─► call.speak.ended ─► bridge: gone     call.hangup, machine: likewise

The other leg's webhooks bring the handover's name, in the URL that they were told to come to or in their client state.
Whoever is gone has no use for our stream: it is ended by a command, and the call goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from mediasrv.call.control import HandoverOutcome
from mediasrv.carriers.base import CallOrder, Happening, PlacedCall, Webhook
from mediasrv.carriers.telnyx_rest import TelnyxControl, handover_state
from mediasrv.errors import CarrierError
from mediasrv.server.handover import GRACE_S, Handover
from mediasrv.server.switchboard import Note, Screen, Spawn, Switchboard, nobody_is_barred, nobody_notes

log = logging.getLogger(__name__)

_OUTCOMES = {
    "user_busy": HandoverOutcome.BUSY,
    "call_rejected": HandoverOutcome.REJECTED,
    "timeout": HandoverOutcome.NO_ANSWER,
    "no_answer": HandoverOutcome.NO_ANSWER,
    "originator_cancel": HandoverOutcome.NO_ANSWER,
}
_BRIDGED, _SPOKEN = "call.bridged", "call.speak.ended"


class TelnyxSwitchboard(Switchboard):
    """Telnyx's."""

    def __init__(
        self,
        control: TelnyxControl,
        spawn: Spawn,
        screen: Screen = nobody_is_barred,
        note: Note = nobody_notes,
        *,
        voice: str,
        language: str,
    ) -> None:
        """``voice`` and ``language`` are those of the briefing."""
        super().__init__(control, spawn, screen, note)
        self._telnyx = control
        self._voice, self._language = voice, language

    def has_handed_over(self, call_id: str) -> bool:
        """Whether a caller is in other hands: his call goes on without us."""
        outcomes = [each.outcome for each in self.standing.of(call_id)]
        return any(
            each.done() and not each.cancelled() and each.result() is HandoverOutcome.CONNECTED for each in outcomes
        )

    # -- the order -----------------------------------------------------------------------------------------------

    async def _lead_away(self, handover: Handover, part: str) -> HandoverOutcome:
        """Have the caller talk with somebody else: with who was briefed, or with who is rung for it."""
        call_id, order = handover.party.call_id, handover.order
        try:
            if part == "room":
                await self._telnyx.bridge(handover.callee_id, call_id)
            else:
                from_number = order.caller_id or handover.party.our_number
                await self._telnyx.transfer(
                    call_id,
                    order.to,
                    from_number,
                    order.timeout_s,
                    webhook_url=handover.url("/telnyx/webhook"),
                    target_leg_client_state=handover_state(handover.name, call_id),
                )
                outcome = await self._outcome(handover, order.timeout_s + GRACE_S)
                if outcome is not HandoverOutcome.CONNECTED:
                    return outcome
        except CarrierError as error:
            log.error("caller cannot be led away", extra={"call": call_id, "error": str(error)})
            return HandoverOutcome.FAILED
        handover.settle(HandoverOutcome.CONNECTED)
        self._spawn(self._obey("stop the stream", handover, partial(self._telnyx.stop_stream, call_id)))
        return HandoverOutcome.CONNECTED

    async def _place(self, handover: Handover, order: CallOrder) -> PlacedCall:
        """Ring somebody who is to be briefed, in the caller's session."""
        state = handover_state(handover.name, handover.party.call_id)
        return await self._telnyx.ring(order, handover.url("/telnyx/webhook"), state)

    # -- what Telnyx tells of the other leg ----------------------------------------------------------------------

    def hear(self, handover: Handover, fields: Mapping[str, str], webhook: Webhook) -> bool:
        """Take a word about a handover; ``False`` for one about the caller's own call."""
        is_caller = webhook.call_id == handover.party.call_id
        if webhook.event == _BRIDGED and not handover.order.briefing:
            handover.settle(HandoverOutcome.CONNECTED)
        if is_caller:
            return False
        handover.callee_id = handover.callee_id or webhook.call_id
        if webhook.happening is Happening.ENDED:
            self._end(handover, fields.get("hangup_cause", ""))
        elif handover.order.briefing:
            self._brief_callee(handover, webhook, fields)
        return True

    def _end(self, handover: Handover, cause: str) -> None:
        """The other leg is over."""
        outcome = _OUTCOMES.get(cause, HandoverOutcome.FAILED)
        if handover.has_answered and cause == "normal_clearing":
            # Who hangs up before he has heard all of it does not want to talk.
            outcome = HandoverOutcome.REJECTED
        handover.settle(outcome)

    def _brief_callee(self, handover: Handover, webhook: Webhook, fields: Mapping[str, str]) -> None:
        if webhook.happening is Happening.ANSWERED:
            handover.has_answered = True
            words = partial(self._telnyx.speak, webhook.call_id, handover.order.briefing, self._voice, self._language)
            self._spawn(self._obey("brief", handover, words, HandoverOutcome.FAILED))
        elif webhook.happening is Happening.MACHINE and webhook.machine:
            handover.settle(HandoverOutcome.NO_ANSWER)
        elif webhook.event == _SPOKEN and fields.get("status", "completed") == "completed":
            handover.settle(HandoverOutcome.CONNECTED)

    async def _obey(
        self,
        what: str,
        handover: Handover,
        give: Callable[[], Awaitable[None]],
        otherwise: HandoverOutcome | None = None,
    ) -> None:
        try:
            await give()
        except CarrierError as error:
            extra = {"call": handover.party.call_id, "command": what, "error": str(error)}
            log.error("command failed", extra=extra)
            if otherwise is not None:
                handover.settle(otherwise)
