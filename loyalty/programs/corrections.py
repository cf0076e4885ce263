"""Corrections of campaigns that were published wrong; law: a version's document stays, what it gives is corrected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from loyalty.errors import NotFound
from loyalty.programs.campaigns import Campaign
from loyalty.programs.program import Program, Versions


@dataclass(frozen=True, slots=True)
class Correction:
    """What a campaign of a version gives instead; neither a multiplier nor a bonus: nothing."""

    version: int
    campaign: str
    multiplier: Fraction | None
    bonus: int | None
    number: int = 0
    """Counts the account's corrections; of two in force for one campaign the later counts."""
    reason: str = ""
    actor: str = ""
    accepted_at: datetime | None = None
    undone_at: datetime | None = None

    def means(self, program: Program, campaign: Campaign) -> bool:
        """Return whether it is about a campaign of a version."""
        return (self.version, self.campaign) == (program.version, campaign.key)


def correct(versions: Versions, corrections: Iterable[Correction]) -> Versions:
    """Return the versions with their campaigns as the corrections in force say."""
    inforce = sorted(
        (each for each in corrections if each.undone_at is None), key=lambda correction: correction.number
    )
    return replace(versions, programs=tuple(_corrected(program, inforce) for program in versions.programs))


def _corrected(program: Program, corrections: list[Correction]) -> Program:
    campaigns = program.campaigns
    for correction in corrections:
        campaigns = tuple(
            replace(campaign, multiplier=correction.multiplier, bonus=correction.bonus)
            if correction.means(program, campaign)
            else campaign
            for campaign in campaigns
        )
    return program if campaigns == program.campaigns else replace(program, campaigns=campaigns)


def get_campaign(versions: Versions, version: int, key: str) -> Campaign:
    """Return a campaign of a version; raises NotFound."""
    program = versions.numbered(version)
    found = next((each for each in program.campaigns if each.key == key), None) if program else None
    if found is None:
        raise NotFound("There is no campaign of that key in that version.", version=version, campaign=key)
    return found
