"""By what a report can be broken down, and which rows it is read from."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Dimension:
    """A way to break figures down. `stored` names the rows it is read from, `keys` the words of one row."""

    id: str
    name: str
    plural: str
    means: str
    stored: str
    keys: tuple[str, ...]
    no_detail: str = ""
    """What an empty detail is called."""
    has_visits: bool = True
    has_spend: bool = False

    @property
    def is_detail(self) -> bool:
        """Whether its rows can be asked for within sources, media and campaigns, and the other way round."""
        return self.keys == ("detail",)


_ORIGIN: Final = ("source", "medium", "campaign")
DIMENSIONS: Final = {
    one.id: one
    for one in (
        Dimension(
            "source", "Source", "sources", "Who sent the visitor: a search engine, a network, a billboard.",
            "campaign", ("source", "medium"), has_spend=True,
        ),
        Dimension(
            "medium", "Medium", "media", "The kind of way: cpc (paid), organic, referral, email, print.",
            "campaign", ("medium",), has_spend=True,
        ),
        Dimension(
            "campaign", "Campaign", "campaigns", "A campaign of a source: utm_campaign, or a number's own.",
            "campaign", _ORIGIN, has_spend=True,
        ),
        Dimension(
            "ad_group", "Ad group", "ad groups",
            "The ad group Google names behind the click, else the campaign with its utm_content.", "ad_group",
            ("detail",), "No ad group known", has_spend=True,
        ),
        Dimension(
            "keyword", "Keyword", "keywords",
            "The keyword Google names behind the click, else utm_term; letters of any case are the same.",
            "keyword", ("detail",), "No keyword known", has_spend=True,
        ),
        Dimension(
            "landing_page", "Landing page", "landing pages", "The page on which a visit began.",
            "landing_page", ("detail",), "No page told",
        ),
        Dimension(
            "location", "Location", "locations", "The branch whose number was dialled.", "location",
            ("detail",), has_visits=False,
        ),
        Dimension(
            "number", "Number", "numbers", "The tracking number that was dialled.", "number", ("detail",),
            has_visits=False, has_spend=True,
        ),
        Dimension(
            "hour", "Hour of the week", "hours", "Weekday and hour, in the company's time zone.", "hour",
            ("detail",),
        ),
    )
}  # fmt: skip
USUAL: Final = "campaign"
DETAILS: Final = tuple(one.id for one in DIMENSIONS.values() if one.is_detail)
