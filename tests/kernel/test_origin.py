"""One word per level: nothing else shares it, and it gives its parts back."""

from hypothesis import given
from hypothesis import strategies as st

from calltrack.kernel.origin import BETWEEN, campaign_key, source_key, words_of

WORDS = st.text(st.characters(exclude_characters=BETWEEN), max_size=20)


@given(WORDS, WORDS, WORDS)
def test_a_key_gives_its_words_back(source: str, medium: str, campaign: str) -> None:
    assert words_of(campaign_key(source, medium, campaign)) == (source, medium, campaign)
    assert words_of(source_key(source, medium)) == (source, medium, "")


def test_the_same_campaign_of_another_source_is_another_campaign() -> None:
    assert campaign_key("google", "cpc", "roma") != campaign_key("bing", "cpc", "roma")
    assert campaign_key("a", "", "b") != campaign_key("a", "b", "")
