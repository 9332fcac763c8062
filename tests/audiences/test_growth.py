"""The page of one audience counts its own lists only."""

from sqlalchemy import text

from calltrack.audiences.queries import audiences
from calltrack.infra.embedded import EmbeddedPostgres
from tests.audiences.world import World
from tests.copies import gather_statistics
from tests.explained import explained

OTHERS = r"""
    INSERT INTO audience_entry (company_id, place_id, caller_hash, person_id, wanted, state, changed_at)
    SELECT company_id, id, sha256(convert_to(CAST(n AS text), 'UTF8')), gen_random_uuid(), true, 'due', now()
    FROM audience_place, generate_series(1, CASE WHEN list_id = '777001' THEN 20 ELSE 1000 END) n
"""


def test_one_audience_counts_the_entries_of_its_own_lists(world: World, postgres: EmbeddedPostgres) -> None:
    google = world.google()
    mine = world.audience(name="Mine")
    world.place(mine, google)
    for number in range(2, 10):
        world.place(world.audience(name=f"Other {number}"), google, f"77700{number}")
    with world.services.db.tenant(world.company.id) as session:
        session.execute(text(OTHERS))
    gather_statistics(postgres.owner_url)
    with (
        explained(world.services.db.engine) as found,
        world.services.db.tenant(world.company.id) as session,
    ):
        (row,) = audiences(session, world.company.id, mine)
    assert [one.list_id for one in row.lists] == ["777001"]
    assert found.worse_than(2_000) == {}
