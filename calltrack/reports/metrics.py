"""What each figure means: one sentence and one formula, wherever it stands (pages, files, mails, API)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A figure of the product."""

    name: str
    means: str
    formula: str


METRICS = {
    "visits": Metric(
        "Visits",
        "Sessions of browsers that loaded the snippet on your sites.",
        "count of visits that began in the period",
    ),
    "calls": Metric(
        "Calls",
        "Calls to your tracking numbers, whatever became of them.",
        "count of calls that began in the period",
    ),
    "answered": Metric(
        "Answered",
        "Share of calls in which a person talked to the caller; mailboxes do not count.",
        "answered calls ÷ calls that ended",
    ),
    "leads": Metric(
        "Leads",
        "New callers who talked long enough with a person; the limits stand under Settings.",
        "count of leads of the period that were not taken back",
    ),
    "purchases": Metric(
        "Purchases",
        "Calls in which something was bought, as your team or your CRM reported.",
        "count of purchases of the period that were not taken back",
    ),
    "value": Metric(
        "Value",
        "What those purchases were worth after all later changes.",
        "sum of purchase values in the company's currency",
    ),
    "spend": Metric(
        "Spend",
        "What the advertising cost, as the platforms, your files or you said.",
        "sum of the costs of the period's days in the company's currency",
    ),
    "cost_per_lead": Metric(
        "CPL",
        "Cost per lead: what one lead cost in advertising.",
        "spend ÷ leads",
    ),
    "cost_per_sale": Metric(
        "Cost per sale",
        "What one purchase cost in advertising.",
        "spend ÷ purchases",
    ),
    "roas": Metric(
        "ROAS",
        "Return on ad spend: what came back for each unit of money spent; above 1 more than it cost.",
        "value ÷ spend",
    ),
    "levels": Metric(
        "How far calls could be attributed",
        "Each call counts once, at the finest level that is sure enough; the limits stand under Settings.",
        "calls credited to a visit, else a campaign, else a source ÷ calls",
    ),
    "source_known": Metric(
        "Source known",
        "Share of calls whose campaign is known; the rest is honestly called unknown.",
        "calls with a credited source ÷ calls",
    ),
}  # fmt: skip
