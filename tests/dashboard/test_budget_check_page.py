"""A check at Google on its page: it waits, shows differences, says why not, grows too old, is asked again."""

import re

from calltrack.budgets.checking import check_due
from calltrack.budgets.units import id_of
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.budgets.spending import key_of
from tests.budgets.world import running
from tests.dashboard.browser import Browser, make_app


def test_a_check_is_followed_on_its_page_until_it_is_decided(services: Services) -> None:
    with running(services) as world:
        world.set({"8001": 100, "8002": 100, "8003": 100})
        manager, at = Browser(make_app(world.services)), f"/app/{world.company.id.hex}/budget"
        who = make_user(world.services, world.company, "manager")
        manager.enter(who)
        form = {"account": world.account_id.hex, "unit": id_of(key_of("roma"))}
        asked = manager.post(f"{at}/check", **form)
        waits = manager.get(asked.location)
        assert waits.status_code == 200
        for said in ("Waits for Google", "Nothing is changed by a check", "Put it aside", "<div data-check>"):
            assert said in waits.text
        assert "Change the budgets" not in waits.text
        assert manager.post(asked.location, do="confirm").status_code == 303
        assert "not waiting to be confirmed" in manager.get(asked.location).text
        assert manager.post(f"{at}/check", **form).location == asked.location
        assert "A check is under way" in manager.get(at).text
        other = manager.post(f"{at}/check", **form | {"unit": id_of(key_of("preventivo"))})
        assert "Another check of this account is under way" in manager.get(other.location).text

        assert check_due(world.services, world.company.id) == 1
        shown = manager.get(asked.location).text
        for said in (
            "Waits for you",
            "<div data-check data-over>",
            "Change the budgets",
            "raised by",
            "Checked ",
        ):
            assert said in shown
        assert "A check waits for you" in manager.get(at).text

        later = world.at(minutes=31)
        evening = Browser(make_app(later))
        evening.enter(who)
        old = evening.get(asked.location).text
        assert "Too old" in old
        assert "Change the budgets" not in old
        assert "A check waits for you" not in evening.get(at).text
        again = evening.post(asked.location, do="again")
        assert again.location != asked.location
        assert "Put aside" in evening.get(asked.location).text

        world.faults(*["503"] * 4)
        for seconds in (0, 5, 25, 85):
            assert "Waits for Google" in evening.get(again.location).text
            assert check_due(world.at(minutes=31, seconds=seconds), world.company.id) == 1
        page = evening.get(again.location).text
        assert re.search(r"No answer</span>.*Nothing was changed\..*Check again", page, re.S)
        third = evening.post(again.location, do="again")
        world.faults("ok", "reason:BUDGET_BELOW_PER_DAY_MINIMUM")
        assert check_due(later, world.company.id) == 1
        refused = evening.get(third.location).text
        assert "Cannot be done" in refused
        assert "less a day than Google allows" in refused
        assert evening.post(third.location, do="drop").status_code == 303
        assert "Put aside" in evening.get(third.location).text
