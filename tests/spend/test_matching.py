"""Which visits a campaign paid for: by number, by exact name, by a person; what could be two is nobody's."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.origin import campaign_key
from calltrack.spend.clicks import click_behind, erase_clicks
from calltrack.spend.matching import match_by_hand
from calltrack.spend.matching_rules import Campaign, Evidence, Match, fits, match_all, numbers_of_words
from calltrack.spend.page_queries import matches
from tests.builders import make_visit
from tests.spend.world import World, campaign, spent
from workers.housekeeping import prune_company

M = 1_000_000
ROMA = campaign_key("google", "cpc", "roma")
MILANO = campaign_key("google", "cpc", "milano")


def one(
    name: str = "x", number: str = "100", platform: str = "google_ads", key: str = "", by: str = ""
) -> Campaign:
    return Campaign(uuid4(), platform, number, name, key, by)


def matched(
    campaigns: list[Campaign], by_id: dict[str, dict[str, int]], by_key: dict[str, int]
) -> list[Match]:
    return list(match_all(campaigns, Evidence(by_id, by_key)).values())


@pytest.mark.parametrize(
    ("told", "by_id", "by_key", "match"),
    [
        (one(), {"100": {ROMA: 40}}, {ROMA: 50}, Match(ROMA, "id")),
        # One mistyped address among many does not undo it; a fifth of them does.
        (one(), {"100": {ROMA: 39, MILANO: 1}}, {ROMA: 50}, Match(ROMA, "id")),
        (one(), {"100": {ROMA: 8, MILANO: 2}}, {ROMA: 50}, Match("", "", (MILANO, ROMA))),
        # What was matched stays while it is one of them.
        (one(key=ROMA, by="id"), {"100": {ROMA: 8, MILANO: 2}}, {}, Match(ROMA, "id", (MILANO, ROMA))),
        (one(key=ROMA, by="id"), {}, {}, Match(ROMA, "id")),
        (one(name=" ROMA"), {}, {ROMA: 5}, Match(ROMA, "name")),
        (one(name="Roma 2"), {}, {ROMA: 5}, Match("", "")),
        # The number is stronger than the name.
        (one(name="roma"), {"100": {MILANO: 5}}, {ROMA: 5, MILANO: 5}, Match(MILANO, "id")),
        # The name under another platform's source is another campaign.
        (one(name="roma", platform="meta"), {}, {ROMA: 5}, Match("", "")),
        (one(name="roma", platform="file"), {}, {ROMA: 5}, Match(ROMA, "name")),
        # What a file or entry says of its visits stands above a name that happens to fit.
        (one(name="roma", platform="manual", key=MILANO, by="id"), {}, {ROMA: 5}, Match(MILANO, "id")),
        (one(name="roma", platform="file", key=MILANO, by="name"), {}, {ROMA: 5}, Match(ROMA, "name")),
        (one(name="roma"), {}, {ROMA: 5, campaign_key("google", "display", "Roma"): 3},
         Match("", "", tuple(sorted((ROMA, campaign_key("google", "display", "Roma")))))),
        (one(name="roma"), {}, {campaign_key("google", "organic", "roma"): 5}, Match("", "")),
        (one(key=MILANO, by="person", name="roma"), {"100": {ROMA: 9}}, {ROMA: 9}, Match(MILANO, "person")),
        (one(key="", by="person", name="roma"), {"100": {ROMA: 9}}, {ROMA: 9}, Match("", "person")),
    ],
)  # fmt: skip
def test_a_campaign_is_matched(
    told: Campaign, by_id: dict[str, dict[str, int]], by_key: dict[str, int], match: Match
) -> None:
    assert matched([told], by_id, by_key) == [match]


def test_two_campaigns_of_one_name_are_not_guessed_apart() -> None:
    two = [one(name="roma", number="100"), one(name="Roma", number="200")]
    assert matched(two, {}, {ROMA: 5}) == [Match("", "", (ROMA,))] * 2
    assert matched(two, {"200": {ROMA: 5}}, {ROMA: 5}) == [Match("", "", (ROMA,)), Match(ROMA, "id")]
    entry = one(name="roma", platform="manual", key=MILANO, by="id")
    assert matched([entry, one(name="roma")], {}, {ROMA: 5}) == [Match(MILANO, "id"), Match(ROMA, "name")]


def test_a_word_that_is_a_number_names_the_campaign() -> None:
    key = campaign_key("bing", "cpc", "512000001")
    assert numbers_of_words({key: 4, ROMA: 1, campaign_key("x", "y", "12"): 1}) == {"512000001": {key: 4}}
    sources = ("ig", "big", "fb_ads", "facebook.com")
    fitting = [fits("meta", campaign_key(source, "paid", "x")) for source in sources]
    assert fitting == [True, False, False, True]


def visit(world: World, word: str, back: int = 1, **ids: str) -> UUID:
    at = world.now() - timedelta(days=back)
    row = make_visit(world.services, world.company, at=at, campaign=word, click_ids=ids)
    return row.id


def keys(world: World) -> dict[str, tuple[str, str]]:
    rows = world.rows("SELECT name, campaign_key, matched_by FROM spend_campaign")
    return {name: (key, by) for name, key, by in rows}


def test_visits_numbers_clicks_and_names_match_campaigns(world: World) -> None:
    """gad_campaignid, utm_id, Google's word for a click, and the name; then a person has the last word."""
    visit(world, "roma", gad_campaignid="100", gclid="a")
    visit(world, "roma", utm_id="100")
    visit(world, "milano", gclid="Cj-behind")
    visit(world, "brand")
    visit(world, "lonely", gclid="nobody")
    click = {"gclid": "Cj-behind", "day": world.day(1), "campaign": "200", "ad_group_id": "7",
             "ad_group": "Annunci", "keyword": "traslochi milano", "match_type": "PHRASE"}  # fmt: skip
    names = {"100": "Ricerca Roma", "200": "Ricerca Milano", "300": "Brand", "400": "Video"}
    world.put(
        campaigns=[campaign(id_, name) for id_, name in names.items()],
        days=[spent(world.day(1), 2 * M, id_) for id_ in names],
        clicks=[click],
    )
    account = world.connect()
    assert world.read(account)
    world.match()
    assert keys(world) == {
        "Ricerca Roma": (campaign_key("google", "cpc", "roma"), "id"),
        "Ricerca Milano": (campaign_key("google", "cpc", "milano"), "id"),
        "Brand": (campaign_key("google", "cpc", "brand"), "name"),
        "Video": ("", ""),
    }
    named = world.rows("SELECT keyword, match_type, ad_group FROM spend_click")
    assert named == [("traslochi milano", "phrase", "Annunci")]
    with world.services.db.tenant(world.company.id) as session:
        both = matches(session, world.company.id, world.now())
    assert [(row.name, row.cost_minor) for row in both.unmatched] == [("Video", 200)]
    assert [(row.campaign, row.visits) for row in both.alone] == [("lonely", 1)]
    lonely, video = both.alone[0].campaign_key, both.unmatched[0].id
    with world.services.db.tenant(world.company.id) as session:
        match_by_hand(session, world.company.id, video, lonely, "test", world.now())
        with pytest.raises(BadInput):
            match_by_hand(session, world.company.id, video, "no word", "test", world.now())
        with pytest.raises(NotFound):
            match_by_hand(session, world.company.id, uuid4(), lonely, "test", world.now())
    world.match()
    assert keys(world)["Video"] == (lonely, "person")
    # Looked at again, no visit is counted twice.
    assert world.rows("SELECT sum(visits) FROM campaign_sighting WHERE id_kind = ''") == [(5,)]
    with world.services.db.tenant(world.company.id) as session:
        match_by_hand(session, world.company.id, video, None, "test", world.now())
    assert keys(world)["Video"] == ("", "")


def test_a_click_before_midnight_and_one_that_is_remembered_are_named(world: World) -> None:
    zone = ZoneInfo("Europe/Rome")
    midnight = (world.now().astimezone(zone) - timedelta(days=2)).replace(hour=0, minute=4)
    before = str(midnight.date() - timedelta(days=1))
    first = make_visit(world.services, world.company, at=midnight, click_ids={"gclid": "Cj-night"})
    later = make_visit(
        world.services, world.company, at=midnight + timedelta(days=1), visitor_id=first.visitor_id,
        campaign="", source="direct", medium="none", click_ids={"gclid": "Cj-night"},
    )  # fmt: skip
    click = {"gclid": "Cj-night", "day": before, "campaign": "100", "keyword": "traslochi"}
    world.put(campaigns=[campaign()], days=[spent(before, M)], clicks=[click])
    account = world.connect()
    for _ in range(2):
        assert world.read(account)
        world.later(hours=1, minutes=10)
    named = world.rows("SELECT visit_id, keyword FROM spend_click ORDER BY visit_id")
    assert named == [(first.id, "traslochi"), (later.id, "traslochi")]


def test_an_erased_visitors_click_is_forgotten(world: World) -> None:
    visit_id = visit(world, "roma", gclid="Cj-mine")
    click = {"gclid": "Cj-mine", "day": world.day(1), "campaign": "100", "keyword": "mario rossi traslochi"}
    world.put(campaigns=[campaign()], days=[spent(world.day(1), M)], clicks=[click])
    assert world.read(world.connect())
    ((visitor_id,),) = world.rows("SELECT visitor_id FROM visit WHERE id = :id", id=visit_id)
    with world.services.db.tenant(world.company.id) as session:
        known = click_behind(session, world.company.id, visit_id)
        assert known is not None
        assert known.keyword == "mario rossi traslochi"
        assert erase_clicks(session, world.company.id, [visitor_id]) == 1
        assert click_behind(session, world.company.id, visit_id) is None


def test_what_was_behind_a_click_goes_with_the_month_of_its_visit(world: World) -> None:
    visit(world, "roma", gclid="Cj-old")
    click = {"gclid": "Cj-old", "day": world.day(1), "campaign": "100", "keyword": "traslochi"}
    world.put(campaigns=[campaign()], days=[spent(world.day(1), M)], clicks=[click])
    assert world.read(world.connect())
    settings = world.services.settings.model_copy(update={"visits_kept_months": 4})
    kept = replace(world.services, settings=settings)
    for later, left in ((100, 1), (130, 0)):
        prune_company(kept, world.company.id, world.now() + timedelta(days=later))
        assert world.rows("SELECT count(*) FROM spend_click") == [(left,)]


def test_a_day_of_clicks_is_asked_for_until_it_has_settled(world: World) -> None:
    world.put(campaigns=[campaign()], days=[spent(world.day(1), M)])
    visit(world, "roma", back=20, gclid="old")
    visit(world, "roma", back=0, gclid="new")
    account = world.connect()
    asked = "SELECT day, asked_at FROM spend_click_day ORDER BY day"
    assert world.read(account)
    first = dict(world.rows(asked))
    assert len(first) == 2
    world.later(hours=1, minutes=10)
    assert world.read(account)
    second = dict(world.rows(asked))
    moved = [day for day in second if second[day] != first.get(day)]
    assert len(moved) == 1, "the old day has settled, the new one is asked for again"
