"""Refusals of the domain: one base class, the docstring is the default message, ids and amounts are attributes."""

from __future__ import annotations

import inspect


class LoyaltyError(Exception):
    """The request cannot be carried out."""

    def __init__(self, message: str | None = None, **attributes: object) -> None:
        self.message = message or inspect.cleandoc(type(self).__doc__ or "")
        self.attributes = attributes
        super().__init__(self.message)

    def __getattr__(self, name: str) -> object:
        try:
            return self.__dict__["attributes"][name]
        except KeyError:
            raise AttributeError(name) from None


class NotFound(LoyaltyError):
    """Nothing of this account has that id."""


class Invalid(LoyaltyError):
    """The given values do not fit; `fields` says which: a dict of path to list of messages."""

    def __init__(self, message: str | None = None, fields: dict[str, list[str]] | None = None) -> None:
        super().__init__(message or "The given values do not fit.", fields=fields or {})


class Conflict(LoyaltyError):
    """The request contradicts what is stored."""


class BenefitNotAvailable(Conflict):
    """The member's tier offers neither a standing discount nor free shipping."""


class NotEnoughCredit(Conflict):
    """The store credit does not cover this; `available` says how much there is."""


class NotEnoughPoints(Conflict):
    """The balance does not cover this; `missing` says by how many points."""


class RewardNotAvailable(Conflict):
    """The member may not have this reward now; `refusals` says why."""


class RedemptionEnded(Conflict):
    """The redemption has ended: it was used, cancelled, returned, or its service was carried out."""


class StepNotPossible(Conflict):
    """The service is not where this step may follow; `fulfilment` says where it is."""


class ConfigurationError(LoyaltyError):
    """The settings cannot be used; the message names each mistake on its own line."""


class TransferOpen(Conflict):
    """Credit of this member is on its way to a shop already; ask again once it is there."""


class LedgerConflict(Conflict):
    """An entry of this cause exists already with other content."""


class OrdersMoved(Conflict):
    """Somebody else wrote an order, or gave it to another member, since the batch read it; take the batch again."""


class NotPermitted(LoyaltyError):
    """Whoever asks may not do this; somebody with more rights may."""


class TooOften(LoyaltyError):
    """This was asked for too often; it may be asked for again later."""


class MemberMerged(Conflict):
    """This member is merged into another one, who stands for him."""


class ProgramNotPublished(LoyaltyError):
    """The account has no program in force yet."""


class MalformedMessage(LoyaltyError):
    """The message cannot be read; it is kept and can be replayed."""
