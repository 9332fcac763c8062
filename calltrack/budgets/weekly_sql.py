"""The statements that read a company's weeks: spend by matched campaign, credit, what belongs to neither."""

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

REACH = text(
    """
    SELECT (SELECT d.day FROM spend_day d JOIN spend_campaign c
              ON c.company_id = d.company_id AND c.id = d.campaign_id
            WHERE d.company_id = :company_id AND d.day < :today AND d.cost_minor > 0
              AND c.campaign_key <> '' ORDER BY d.day DESC LIMIT 1) AS last_day,
           (SELECT min(read_at) FROM spend_account
            WHERE company_id = :company_id AND (due_at IS NOT NULL OR status = 'paused')
              AND read_at >= :fresh) AS read_at
    """
)
SPENT = text(
    """
    SELECT date_trunc('week', d.day)::date AS week, c.campaign_key, sum(d.cost_minor) AS minor
    FROM spend_day d JOIN spend_campaign c ON c.company_id = d.company_id AND c.id = d.campaign_id
    WHERE d.company_id = :company_id AND d.day >= :first AND d.day < :until AND c.campaign_key <> ''
    GROUP BY 1, 2 HAVING sum(d.cost_minor) > 0
    """
)
EARNED = text(
    """
    SELECT date_trunc('week', day)::date AS week, campaign_key,
           sum(conversions) AS conversions, sum(value_minor) AS value
    FROM campaign_credit_day
    WHERE company_id = :company_id AND day >= :first AND day < :until AND kind = :kind AND campaign_key <> ''
    GROUP BY 1, 2
    """
)
PAID_KEYS = """
    SELECT 1 FROM spend_campaign c WHERE c.company_id = k.company_id AND c.campaign_key = k.campaign_key
"""
PURCHASES = text(
    f"""
    SELECT sum(conversions) AS purchases, sum(conversions) FILTER (WHERE day >= :lately) AS lately
    FROM campaign_credit_day k
    WHERE company_id = :company_id AND day >= :first AND day < :until AND kind = 'purchase'
      AND campaign_key <> '' AND EXISTS ({PAID_KEYS})
    """  # noqa: S608 - a part of this file
)
CREDIT = text(
    f"""
    SELECT coalesce(sum(conversions) FILTER (WHERE campaign_key = ''), 0) AS nobody,
           coalesce(sum(conversions) FILTER (WHERE campaign_key <> '' AND NOT paid), 0) AS idle,
           coalesce(sum(conversions) FILTER (WHERE campaign_key <> '' AND paid), 0) AS paid
    FROM (SELECT campaign_key, conversions, EXISTS ({PAID_KEYS}) AS paid
          FROM (SELECT company_id, campaign_key, sum(conversions) AS conversions FROM campaign_credit_day
                WHERE company_id = :company_id AND day >= :first AND day < :until AND kind = :kind
                GROUP BY 1, 2) k) seen
    """  # noqa: S608 - a part of this file
)
CAMPAIGNS = text(
    """
    SELECT c.id, c.account_id, a.platform, c.external_id, c.name, c.campaign_key AS key, c.budget_id,
           c.is_budget_shared AS is_shared
    FROM spend_campaign c JOIN spend_account a ON a.company_id = c.company_id AND a.id = c.account_id
    WHERE c.company_id = :company_id AND c.campaign_key <> ''
    ORDER BY c.campaign_key, c.id
    """
)
UNMATCHED = text(
    """
    SELECT c.name, sum(d.cost_minor) AS minor
    FROM spend_day d JOIN spend_campaign c ON c.company_id = d.company_id AND c.id = d.campaign_id
    WHERE d.company_id = :company_id AND d.day >= :first AND d.day < :until AND c.campaign_key = ''
    GROUP BY c.id, c.name HAVING sum(d.cost_minor) > 0 ORDER BY 2 DESC, 1
    """
)
WITHOUT_RATE = text(
    """
    SELECT count(*) FROM spend_day
    WHERE company_id = :company_id AND day >= :first AND day < :until AND cost_minor IS NULL
      AND cost_micros > 0
    """
)
UNREAD = text(
    """
    SELECT name FROM spend_account
    WHERE company_id = :company_id AND (due_at IS NOT NULL OR status = 'paused')
      AND (read_at IS NULL OR read_at < :fresh)
    ORDER BY name
    """
)
BY_DAY = text(
    """
    SELECT d.day, sum(d.cost_minor) AS minor
    FROM spend_day d JOIN spend_campaign c ON c.company_id = d.company_id AND c.id = d.campaign_id
    WHERE d.company_id = :company_id AND d.day >= :first AND d.day < :until
      AND (:everything OR c.campaign_key = ANY(:keys))
    GROUP BY 1
    """
).bindparams(bindparam("keys", type_=ARRAY(Text())))
LACKING = text(
    """
    SELECT count(*)
    FROM spend_day d JOIN spend_campaign c ON c.company_id = d.company_id AND c.id = d.campaign_id
    WHERE d.company_id = :company_id AND d.day >= :first AND d.day < :until
      AND d.cost_minor IS NULL AND d.cost_micros <> 0 AND (:everything OR c.campaign_key = ANY(:keys))
    """
).bindparams(bindparam("keys", type_=ARRAY(Text())))
