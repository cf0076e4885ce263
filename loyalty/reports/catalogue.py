"""The catalogue, for the account and for one member, who sees it ranked by what he bought; a constant number of
statements.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.errors import Invalid, MemberMerged, NotFound
from loyalty.programs.catalogue import VARIABLE_DISCOUNT, Reward
from loyalty.programs.program import Program
from loyalty.programs.service import load_versions
from loyalty.programs.words import named
from loyalty.reports.catalogue_figures import count_taken, list_group, list_purchases
from loyalty.reports.situations import Asked, ask, judge
from loyalty.reports.standing import read_standings
from loyalty.rewards.eligibility import least_price
from loyalty.rewards.ranking import Candidate, Suggestion, rank
from loyalty.rewards.refusal_words import reasons, refusal_text
from loyalty.values import AccountId, decimal_floor

Data = dict[str, Any]


def read_member_catalogue(
    connection: Connection, account: AccountId, member: UUID, now: datetime, category: str | None = None
) -> list[Data]:
    """Return every reward that can be redeemed, the one that suits the member best first, each with all that speaks
    against it now. Raises NotFound and MemberMerged.
    """
    found = read_standings(connection, account, [member], now)
    if not found:
        raise NotFound("There is no member of that id.", member=str(member))
    if found[0].merged_into is not None:
        survivor = found[0].merged_into
        raise MemberMerged(f"This member is merged into {survivor}.", survivor=survivor)
    program = load_versions(connection, account).at(now)
    if program is None:
        return []
    offered = [each for each in _of_category(program, category) if each.points is not None]
    group = list_group(connection, member)
    asked = ask(connection, program, found[0], group, offered, now)
    candidates = [_candidate(each, program, asked) for each in offered]
    suggested = rank(candidates, list_purchases(connection, group, now))
    return [_for_member(each, program, asked) for each in suggested]


def _of_category(program: Program, category: str | None) -> list[Reward]:
    return [each for each in program.rewards if category in (None, each.category)]


def _candidate(reward: Reward, program: Program, asked: Asked) -> Candidate:
    cost = max(least_price(reward, program.decimals), reward.minimum_balance)
    return Candidate(reward, judge(reward, program, asked), asked.standing.balance.available, cost)


def _for_member(suggestion: Suggestion, program: Program, asked: Asked) -> Data:
    candidate = suggestion.candidate
    reward = candidate.reward
    told = [{"code": each.code, "text": refusal_text(each, program, reward)} for each in candidate.refusals]
    missing = [each.missing for each in candidate.refusals if each.missing is not None]
    uses = asked.uses.get(reward.key, 0)
    return {
        **_shown(reward, program, asked.taken),
        "available": not candidate.refusals,
        "missing": max(missing, default=None),
        "refusals": told,
        "uses_left": max(0, reward.per_member.uses - uses) if reward.per_member else None,
        "suggestion": {
            "rank": suggestion.rank,
            "score": suggestion.score,
            "reasons": list(reasons(suggestion, program)),
            "tie": suggestion.tie,
        },
    }


def list_catalogue(
    connection: Connection, account: AccountId, tier: str | None, category: str | None, now: datetime
) -> list[Data]:
    """Return the rewards of the program in force as in its document: those that members of a tier may have, those of a
    category, or all. Raises Invalid for a tier that the program does not have.
    """
    program = load_versions(connection, account).at(now)
    if program is None:
        return []
    if tier is not None and not program.has_tier(tier):
        message = "There is no tier of that key."
        raise Invalid(message, {"/tier": [message]})
    offered = [each for each in _of_category(program, category) if tier is None or program.admits(each, tier)]
    taken = count_taken(connection, [each.key for each in offered])
    return [_for_account(each, program, taken, now) for each in offered]


def _for_account(reward: Reward, program: Program, taken: Mapping[str, int], now: datetime) -> Data:
    return {
        **_shown(reward, program, taken),
        "tiers": [each.key for each in program.tiers if program.admits(reward, each.key)],
        "per_member": reward.per_member,
        "stock": reward.stock,
        "redeemed": taken.get(reward.key, 0),
        "unit_cost": _money(reward.unit_cost, program),
        "is_open": reward.is_open(now),
        "archived": reward.archived,
    }


def _shown(reward: Reward, program: Program, taken: Mapping[str, int]) -> Data:
    """Return what everybody may know of a reward."""
    variable = reward.kind == VARIABLE_DISCOUNT
    left = None if reward.stock is None else max(0, reward.stock - taken.get(reward.key, 0))
    return {
        "key": reward.key,
        "kind": reward.kind,
        "name": named(reward.name, reward.key),
        "terms": reward.terms,
        "category": reward.category,
        "points": reward.points,
        "least": least_price(reward, program.decimals) if variable else None,
        "most": reward.most,
        "step": reward.step if variable else None,
        "amount": _amount(reward, program),
        "minimum_subtotal": _money(reward.minimum_subtotal, program),
        "minimum_balance": reward.minimum_balance,
        "opens": reward.opens,
        "closes": reward.closes,
        "stock_left": left,
    }


def _amount(reward: Reward, program: Program) -> str | None:
    """Return percents as they are, and money in the program's decimals."""
    if reward.amount is None or reward.kind != "percent_discount":
        return _money(reward.amount, program)
    return f"{decimal_floor(reward.amount, 4).normalize():f}"


def _money(amount: Any, program: Program) -> str | None:
    return None if amount is None else f"{decimal_floor(amount, program.decimals):f}"
