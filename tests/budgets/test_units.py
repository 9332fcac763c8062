"""What is one budget: by words, by shared budgets, and under which name."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.budgets.units import CampaignRow, units_of
from calltrack.kernel.ids import new_id
from tests.budgets.spending import key_of
from tests.examples import examples

GOOGLE, META = new_id(), new_id()


def row(name: str, source: str = "google", budget: str = "", account: UUID = GOOGLE) -> CampaignRow:
    return CampaignRow(
        id=new_id(), account_id=account, platform="google_ads", external_id="1", name=name,
        key=key_of(name, source), budget_id=budget, is_shared=bool(budget),
    )  # fmt: skip


def test_shared_budgets_and_equal_words_join_and_nothing_else_does() -> None:
    found = units_of(
        [row("roma", budget="1"), row("milano", budget="1"), row("estate"), row("estate"),
         row("torino", budget="1", account=META), row("estate", "facebook")]
    )  # fmt: skip
    assert [unit.name for unit in found] == [
        "estate (facebook)", "estate (google)", "milano + roma", "torino",
    ]  # fmt: skip
    assert [len(unit.campaigns) for unit in found] == [1, 2, 2, 1]
    assert [unit.is_shared for unit in found] == [False, False, True, False]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"), st.sampled_from(["google", "bing"]), st.sampled_from(["", "1", "2"]),
            st.sampled_from([GOOGLE, META]),
        ),
        max_size=9,
    )
)  # fmt: skip
@settings(max_examples=examples(60))
def test_every_campaign_is_in_one_budget_whatever_their_order(
    chosen: list[tuple[str, str, str, UUID]],
) -> None:
    rows = [row(*each) for each in chosen]
    found = units_of(rows)
    assert sorted(one.id for unit in found for one in unit.campaigns) == sorted(one.id for one in rows)
    assert len({key for unit in found for key in unit.keys}) == sum(len(unit.keys) for unit in found)
    assert len({unit.name for unit in found}) == len(found)
    assert [unit.keys for unit in units_of(rows[::-1])] == [unit.keys for unit in found]
    for one in rows:
        for other in rows:
            if one.is_shared and (one.account_id, one.budget_id) == (other.account_id, other.budget_id):
                assert next(u for u in found if one.key in u.keys) is next(
                    u for u in found if other.key in u.keys
                )
