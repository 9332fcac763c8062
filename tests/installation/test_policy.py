"""What a Content-Security-Policy lets through, in the words of CSP Level 3."""

import pytest

from calltrack.installation.policy import Script, connection_refused, policies_of, script_refused, upgrades

US = "https://calls.example.com"
SCRIPT, VISIT = US + "/ct.js", US + "/v1/visit"
PAGE = "https://www.prova.test/contatti"

# policy, may the script be loaded, may it ask
POLICIES = [
    ("", True, True),
    ("img-src 'none'", True, True),
    ("default-src 'self'", False, False),
    ("default-src *", True, True),
    ("default-src https:", True, True),
    ("default-src http:", True, True),
    ("default-src 'none'; script-src calls.example.com; connect-src https://calls.example.com", True, True),
    (f"default-src 'self'; script-src {US}", True, False),
    (f"script-src 'self' {US}/; connect-src 'self'", True, False),
    (f"script-src {US}/ct.js", True, True),
    (f"script-src {US}/other.js", False, True),
    (f"script-src {US}/v1/", False, True),
    ("script-src *.example.com; connect-src *.example.com:443", True, True),
    ("script-src *.example.com:8443", False, True),
    ("script-src *.calls.example.com", False, True),
    ("SCRIPT-SRC Calls.Example.COM", True, True),
    ("script-src 'self' 'unsafe-inline'; script-src *", False, True),
    ("script-src-elem 'self'; script-src *", False, True),
    ("script-src * 'strict-dynamic'", False, True),
    ("script-src 'nonce-abc' 'strict-dynamic'", True, True),
    ("script-src 'nonce-xyz'", False, True),
    ("script-src 'sha384-good'", True, True),
    ("script-src 'sha384-bad'", False, True),
    ("sandbox allow-forms", False, True),
    ("sandbox allow-scripts", True, True),
    (f"connect-src {US}, default-src 'self'", False, False),
]


@pytest.mark.parametrize(("policy", "loads", "asks"), POLICIES)
def test_a_policy_lets_through_what_browsers_let_through(policy: str, loads: bool, asks: bool) -> None:
    policies = policies_of([policy])
    refusal = script_refused(policies, PAGE, Script(SCRIPT, nonce="abc", integrity="sha384-good"))
    assert (refusal is None) == loads, refusal
    assert (connection_refused(policies, PAGE, VISIT) is None) == asks


def test_self_is_the_pages_own_place_and_its_https() -> None:
    policies = policies_of(["script-src 'self'"])
    for page, script, allowed in (
        (PAGE, "https://www.prova.test/ct.js", True),
        ("http://www.prova.test/", "https://www.prova.test/ct.js", True),
        (PAGE, "https://prova.test/ct.js", False),
    ):
        assert (script_refused(policies, page, Script(script)) is None) == allowed
    assert upgrades(policies_of(["upgrade-insecure-requests; default-src *"]))
    assert not upgrades(policies)
