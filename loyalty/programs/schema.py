"""The program document's schema (RULES §1): unknown keys are errors that name their path, defaults are filled in."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from loyalty.programs.automation_schema import (
    AutomationSchema,
    LimitsSchema,
    MessageSchema,
    ReferralSchema,
    SegmentSchema,
)
from loyalty.programs.campaign_schema import CampaignSchema
from loyalty.programs.fields import ByKey, CalendarLength, Key, Number, Texts, Whole
from loyalty.programs.inheriting import INHERIT, OWN
from loyalty.programs.references import list_missing
from loyalty.programs.reward_schema import RewardSchema
from loyalty.programs.schema_parts import MatchSchema, Strict, choice, ids, part
from loyalty.programs.terms import (
    AwardOn,
    Discounts,
    Duration,
    Metric,
    NegativeBalance,
    Rounding,
    RoundUp,
    WindowKind,
)
from loyalty.values import ONE, ZERO


class ExcludeSchema(Strict):
    roles = fields.List(fields.String(), load_default=lambda: ["administrator", "shop_manager"])
    tags = ids()
    email_domains = ids()


class EnrolmentSchema(Strict):
    mode = choice(["automatic", "explicit"], "automatic")
    guests = fields.Boolean(load_default=True)
    exclude = part(ExcludeSchema)  # type: ignore[assignment]  # marshmallow's own option of that name


class BaseSchema(Strict):
    tax = fields.Boolean(load_default=None, allow_none=True)
    shipping = fields.Boolean(load_default=False)
    fees = fields.Boolean(load_default=False)
    tips = fields.Boolean(load_default=False)
    discounts = choice(Discounts, "deducted")
    gift_cards = fields.Boolean(load_default=False)
    sale_items = fields.Boolean(load_default=True)


class ProductRuleSchema(Strict):
    match = fields.Nested(MatchSchema, required=True)
    multiplier = Number(required=True)


class CapsSchema(Strict):
    per_order = Whole(load_default=None, allow_none=True)
    per_day = Whole(load_default=None, allow_none=True)
    per_month = Whole(load_default=None, allow_none=True)


class EarningSchema(Strict):
    award_on = choice(AwardOn, "paid")
    points_per_unit = Number(load_default=ONE)
    unit = Number(positive=True, load_default=ONE)
    whole_units = fields.Boolean(load_default=False)
    rounding = choice(Rounding, "floor")
    base = part(BaseSchema)
    minimum_order = Number(load_default=ZERO)
    pending_days = Whole(load_default=0)
    product_rules = fields.List(fields.Nested(ProductRuleSchema), load_default=list)
    excluded = part(MatchSchema)
    caps = part(CapsSchema)


class ExpirySchema(Strict):
    mode = choice(["none", "lot", "inactivity"], "none")
    after = CalendarLength(load_default=Duration(months=12))
    round_up_to = choice(RoundUp, "day")
    remind_days = fields.List(Whole(least=1), load_default=list)


class RefundsSchema(Strict):
    negative_balance = choice(NegativeBalance, "allow")
    restore_redeemed = choice(["proportional", "full", "none"], "proportional")
    restore_min_days = Whole(load_default=30)


class ConditionSchema(Strict):
    metric = fields.String(required=True, validate=validate.OneOf([str(metric) for metric in Metric]))
    at_least = Number(required=True)


class ConditionsSchema(Strict):
    any = fields.List(fields.Nested(ConditionSchema), validate=validate.Length(min=1))
    all = fields.List(fields.Nested(ConditionSchema), validate=validate.Length(min=1))

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError('Must be either {"any": […]} or {"all": […]}.')


class BenefitsSchema(Strict):
    multiplier = Number(load_default=ONE)
    entry_reward = Key(load_default=None, allow_none=True)
    birthday_reward = Key(load_default=None, allow_none=True)
    free_shipping = fields.Boolean(load_default=False)
    discount_percent = Number(most=100, load_default=None, allow_none=True)
    service = fields.List(Key(), load_default=list)
    early_access = fields.List(Key(), load_default=list)
    perks = fields.List(Texts(), load_default=list)


class TierSchema(Strict):
    key = Key(required=True)
    name = Texts(required=True)
    enter = fields.Nested(ConditionsSchema, load_default=None, allow_none=True)
    keep = fields.Nested(ConditionsSchema, load_default=None, allow_none=True)
    benefits = part(BenefitsSchema)


class WindowSchema(Strict):
    kind = choice(WindowKind, "rolling")
    months = Whole(least=1, load_default=12)


class TierPolicySchema(Strict):
    window = part(WindowSchema)
    validity = CalendarLength(load_default=None, allow_none=True)
    downgrade = choice(["recalculate", "one_step"], "recalculate")
    grace_days = Whole(load_default=0)
    notice_days = fields.List(Whole(least=1), load_default=list)
    on_refund = choice(["period_end", "at_once"], "period_end")
    on_change = choice(["keep", "recalculate"], "keep")
    benefits = choice([OWN, INHERIT], OWN)


class MembershipSchema(Strict):
    key = Key(required=True)
    name = Texts(load_default=dict)
    match = fields.Nested(MatchSchema, required=True)
    tier = fields.String(required=True)
    term = CalendarLength(required=True)
    grace_days = Whole(load_default=0)


class CashBackSchema(Strict):
    """Empty: there is none."""

    percent = Number(most=100, load_default=ZERO)
    tiers = ByKey(keys=Key(), values=Number(most=100), load_default=dict)
    minimum_order = Number(load_default=ZERO)


class ProgramSchema(Strict):
    """The whole document; what refers to something else in it must find it."""

    points_name = Texts(required=True)
    enrolment = part(EnrolmentSchema)
    earning = part(EarningSchema)
    expiry = part(ExpirySchema)
    refunds = part(RefundsSchema)
    tiers = fields.List(fields.Nested(TierSchema), required=True, validate=validate.Length(min=1))
    tier_policy = part(TierPolicySchema)
    rewards = fields.List(fields.Nested(RewardSchema), load_default=list)
    campaigns = fields.List(fields.Nested(CampaignSchema), load_default=list)
    automations = fields.List(fields.Nested(AutomationSchema), load_default=list)
    referral = part(ReferralSchema)
    memberships = fields.List(fields.Nested(MembershipSchema), load_default=list)
    cash_back = part(CashBackSchema)
    segments = fields.List(fields.Nested(SegmentSchema), load_default=list)
    messages = ByKey(keys=Key(), values=fields.Nested(MessageSchema), load_default=dict)
    limits = part(LimitsSchema)
    paused = fields.Boolean(load_default=False)

    @validates_schema
    def _keys_are_unique(self, data: dict[str, Any], **_: Any) -> None:
        for topic in ("tiers", "rewards", "campaigns", "memberships", "segments", "automations"):
            keys = [item["key"] for item in data[topic]]
            for index, key in enumerate(keys):
                if key in keys[:index]:
                    raise ValidationError(
                        {topic: {index: {"key": [f"There is another one of the key {key}."]}}}
                    )

    @validates_schema
    def _what_is_named_exists(self, data: dict[str, Any], **_: Any) -> None:
        missing = list_missing(data)
        if missing:
            raise ValidationError(missing)
