"""The ten published rating rules, as arithmetic and as acts, each by its number."""

from __future__ import annotations

import re
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from hematon.portal.accounts.models import StoredSession, User
from hematon.portal.audit.models import Event
from hematon.portal.directory import actions, rules
from hematon.portal.directory.access import published_rating, waiting_for
from hematon.portal.directory.models import (
    Expert,
    PublishedComment,
    PublishedRating,
    Review,
    ReviewLink,
    SafetyConcern,
)
from hematon.portal.directory.moderation import Opinion, Outcome, Reason, covered, settle

DAY = date(2026, 11, 23)
pytestmark = pytest.mark.django_db


def expert_in(role: str = "hematologist", slug: str = "sample-a") -> Expert:
    """An expert whom families may see."""
    return Expert.objects.create(
        slug=slug,
        given_names="Sample physician",
        family_name="A",
        role=role,
        languages=["en"],
        active_from=date(2025, 1, 1),
    )


def rate(expert: Expert, number: int, *, score: int = 8, on: date = DAY) -> None:
    """Ratings of as many families, each by its own link."""
    for family in range(number):
        token = actions.mint_review_link(
            expert=expert, family_key=f"{on}-{score}-{family}", visited_on=on, on=on
        )
        actions.send_review(token=token, score=score, explained=3, comment="", language="en", on=on)


def review_with(expert: Expert, comment: str, state: str = "shown", reason: str = "") -> Review:
    """A review with a comment in this state."""
    return Review.keep(
        expert=expert,
        received_on=DAY,
        score=2,
        explained=2,
        comment=comment,
        language="en",
        state=state,
        reason=reason,
    )


def readers(number: int) -> list[User]:
    """Staff who read comments."""
    return [User.objects.create_user(f"reader{n}@tests.invalid") for n in range(number)]


# --- 1: a one-time link after a completed visit ---------------------------------------------------


def test_rule_1_a_link_works_once() -> None:
    """The second use of a link is refused and keeps nothing."""
    token = actions.mint_review_link(expert=expert_in(), family_key="f", visited_on=DAY, on=DAY)
    sent = {"token": token, "score": 1, "explained": 1, "comment": "", "language": "en"}
    actions.send_review(**sent, on=DAY)
    with pytest.raises(actions.LinkUsedError):
        actions.send_review(**sent, on=DAY)
    assert Review.objects.count() == 1


@pytest.mark.parametrize(("days", "works"), [(60, True), (61, False)])
def test_rule_1_a_link_lives_60_days(days: int, works: bool) -> None:
    """It works on day 60 and no longer on day 61."""
    token = actions.mint_review_link(expert=expert_in(), family_key="f", visited_on=DAY, on=DAY)
    later = DAY + timedelta(days=days)
    if works:
        assert actions.link_of(token, later) is not None
    else:
        with pytest.raises(actions.LinkExpiredError):
            actions.link_of(token, later)


@pytest.mark.parametrize(("days", "works"), [(29, False), (30, True)])
def test_rule_1_a_family_reviews_an_expert_once_in_30_days(days: int, works: bool) -> None:
    """A second link is minted from day 30 on; another family's at once."""
    expert = expert_in()
    actions.mint_review_link(expert=expert, family_key="f", visited_on=DAY, on=DAY)
    actions.mint_review_link(expert=expert, family_key="g", visited_on=DAY, on=DAY)
    later = DAY + timedelta(days=days)
    again = {"expert": expert, "family_key": "f", "visited_on": later, "on": later}
    if works:
        actions.mint_review_link(**again)
    else:
        with pytest.raises(actions.TooSoonError):
            actions.mint_review_link(**again)


def test_rule_1_two_links_of_one_family_are_not_both_used_in_a_month() -> None:
    """Two links minted a month apart cannot be used on the same day."""
    expert, later = expert_in(), DAY + timedelta(days=31)
    first = actions.mint_review_link(expert=expert, family_key="f", visited_on=DAY, on=DAY)
    second = actions.mint_review_link(expert=expert, family_key="f", visited_on=later, on=later)
    actions.send_review(token=first, score=9, explained=5, comment="", language="en", on=later)
    with pytest.raises(actions.TooSoonError):
        actions.link_of(second, later)
    assert actions.link_of(second, later + timedelta(days=30)) is not None


def test_rule_1_no_link_before_the_visit() -> None:
    """A visit in the future is not completed."""
    with pytest.raises(actions.ActionRefusedError, match="not completed"):
        actions.mint_review_link(
            expert=expert_in(), family_key="f", visited_on=DAY + timedelta(days=1), on=DAY
        )


def test_rule_1_neither_the_link_nor_the_family_is_kept() -> None:
    """The database and the audit hold hashes; a review has no way back to its link."""
    token = actions.mint_review_link(
        expert=expert_in(), family_key="family-key-1", visited_on=DAY, on=DAY
    )
    actions.send_review(token=token, score=5, explained=5, comment="", language="en", on=DAY)
    kept = [str(row) for model in (ReviewLink, Review, Event) for row in model.objects.values()]
    assert not any(token in row or "family-key-1" in row for row in kept)
    targets = {f.related_model for f in Review._meta.get_fields() if f.many_to_one}
    assert targets == {Expert}


# --- 2 and 3: the question and the stars ---------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "tenths"),
    [([0], 10), ([10], 50), ([5], 30), ([8, 8, 8, 8, 8, 8, 8, 9], 43), ([1, 2], 16)],
)
def test_rule_3_stars_of_known_scores(scores: list[int], tenths: int) -> None:
    """0 is 1.0 star, 10 is 5.0; a mean of 4.25 becomes 4.3, by hand."""
    assert rules.stars_tenths(scores) == tenths


@given(st.lists(st.integers(0, 10), min_size=1, max_size=400))
def test_rule_3_stars_are_the_mean_rounded_half_up(scores: list[int]) -> None:
    """The same as exact fractions: mean of 1 + 0.4 x score, halves up."""
    mean = sum((1 + Fraction(2, 5) * s for s in scores), Fraction()) / len(scores)
    assert rules.stars_tenths(scores) == (mean * 10 + Fraction(1, 2)).__floor__()


def test_rule_2_how_well_they_explained_is_not_averaged_in() -> None:
    """Two experts with the same scores have the same stars, whatever the second answer."""
    one, other = expert_in(slug="one"), expert_in(slug="other")
    for expert, explained in ((one, 1), (other, 5)):
        Review.objects.bulk_create(
            Review(
                expert=expert,
                received_on=DAY,
                score=7,
                explained=explained,
                language="en",
                state="none",
            )
            for _ in range(20)
        )
    actions.publish_ratings(on=DAY)
    assert {r.stars_tenths for r in PublishedRating.objects.all()} == {38}


# --- 4: when ratings show ------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "shown"), [(19, False), (20, True)])
def test_rule_4_ratings_show_from_20_on(client: Client, number: int, shown: bool) -> None:
    """At 19 the page says that there are none and why; at 20 it shows stars."""
    rate(expert_in(), number)
    actions.publish_ratings(on=DAY)
    assert (published_rating(Expert.objects.get(), DAY) is not None) is shown
    page = client.get("/en/experts/sample-a/").content.decode()
    assert ("of 5 stars" in page) is shown
    assert ("Patient ratings and reviews are not available." in page) is not shown


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("views", "review_views", "access"):
        monkeypatch.setattr(f"hematon.portal.directory.{module}.today", lambda: DAY)


@pytest.mark.parametrize(("days", "counted"), [(365, 20), (366, 19)])
def test_rule_4_a_rating_counts_365_days(days: int, counted: int) -> None:
    """The oldest of 20 still counts on day 365; on day 366 only 19 do and nothing shows."""
    expert = expert_in()
    rate(expert, 1)
    rate(expert, 19, on=DAY + timedelta(days=10))
    later = DAY + timedelta(days=days)
    inside = [r for r in Review.objects.all() if rules.in_window(r.received_on, later, 365)]
    assert len(inside) == counted
    actions.publish_ratings(on=later)
    assert (published_rating(expert, later) is not None) is (counted == 20)


def test_rule_4_holds_between_monthly_updates() -> None:
    """Ratings that fall under 20 are hidden on that day, also when no update has run."""
    expert = expert_in()
    rate(expert, 20)
    actions.publish_ratings(on=DAY)
    assert published_rating(expert, DAY + timedelta(days=365)) is not None
    assert published_rating(expert, DAY + timedelta(days=366)) is None


def test_rule_4_a_low_rating_shows_like_a_high_one(client: Client) -> None:
    """One star shows: the same counts show the same, whatever the scores."""
    low, high = expert_in(slug="low"), expert_in(slug="high")
    rate(low, 20, score=0)
    rate(high, 20, score=10)
    actions.publish_ratings(on=DAY)
    assert "1.0 of 5 stars" in client.get("/en/experts/low/").content.decode()
    assert "5.0 of 5 stars" in client.get("/en/experts/high/").content.decode()


def test_rule_4_the_least_and_the_window_are_the_programmes(rating_rules: Any) -> None:
    """A programme may choose 2 ratings in 100 days."""
    rating_rules(least=2, window_days=100)
    expert = expert_in()
    rate(expert, 2)
    actions.publish_ratings(on=DAY + timedelta(days=100))
    assert published_rating(expert, DAY + timedelta(days=100)) is not None
    assert published_rating(expert, DAY + timedelta(days=101)) is None


# --- 5: roles ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "role", ["hospital_only", "emergency", "laboratory", "pathology", "anesthesia", "trainee"]
)
def test_rule_5_excluded_roles_are_never_asked_about(client: Client, role: str) -> None:
    """No link is minted, no rating shows, and the page says that nobody is asked."""
    expert = expert_in("hematologist")
    rate(expert, 20)
    actions.publish_ratings(on=DAY)
    Expert.objects.update(role=role)
    expert.refresh_from_db()
    with pytest.raises(actions.ActionRefusedError):
        actions.mint_review_link(expert=expert, family_key="x", visited_on=DAY, on=DAY)
    page = client.get("/en/experts/sample-a/").content.decode()
    assert "not available" in page
    assert "ratings/#not-asked" in page
    actions.publish_ratings(on=DAY)
    assert not PublishedRating.objects.exists()


# --- 6: reading comments -------------------------------------------------------------------------

SHOW, RUDE, PHI = Opinion(""), Opinion("offensive"), Opinion("identifies")


@pytest.mark.parametrize(
    ("opinions", "outcome"),
    [
        ([], None),
        ([SHOW], None),
        ([RUDE], None),
        ([SHOW, SHOW], Outcome(True, "", ())),
        ([RUDE, RUDE], Outcome(False, "offensive", ())),
        ([SHOW, RUDE], None),
        ([RUDE, PHI], None),
        ([SHOW, RUDE, SHOW], Outcome(True, "", ())),
        ([SHOW, RUDE, RUDE], Outcome(False, "offensive", ())),
        ([SHOW, RUDE, PHI], Outcome(False, "identifies", ())),
        ([RUDE, PHI, SHOW], Outcome(False, "identifies", ())),
        ([RUDE, PHI, RUDE], Outcome(False, "offensive", ())),
        ([SHOW, Opinion("", ((0, 3),))], Outcome(True, "", ((0, 3),))),
        ([Opinion("", ((4, 8),)), Opinion("", ((0, 5),))], Outcome(True, "", ((0, 8),))),
    ],
)
def test_rule_6_two_agree_or_a_third_settles(
    opinions: list[Opinion], outcome: Outcome | None
) -> None:
    """The whole table of two and three readers."""
    assert settle(opinions) == outcome


def test_rule_6_there_are_five_reasons() -> None:
    """That a comment is negative is not one of them."""
    assert Reason.values == ["offensive", "defamatory", "identifies", "other_service", "spam"]


def test_rule_6_one_person_never_settles_a_comment() -> None:
    """The same reader is refused a second time, and no longer sees it."""
    review = review_with(expert_in(), "Slow.", "waiting")
    reader = readers(1)[0]
    actions.decide(review=review, by=reader, reason="")
    with pytest.raises(actions.ActionRefusedError, match="Another person"):
        actions.decide(review=review, by=reader, reason="")
    review.refresh_from_db()
    assert review.state == Review.State.WAITING
    assert not waiting_for(reader).exists()


def test_rule_6_readers_never_get_the_score() -> None:
    """The queue does not load it, so that it cannot weigh."""
    review_with(expert_in(), "Slow.", "waiting")
    waiting = waiting_for(readers(1)[0]).get()
    assert {"score", "explained"} <= waiting.get_deferred_fields()


@given(st.text(min_size=1, max_size=60), st.data())
def test_rule_6_covered_words_never_come_out(comment: str, data: st.DataObject) -> None:
    """What shows is the comment without the covered places, and nothing of them."""
    places = st.integers(0, len(comment))
    spans = data.draw(st.lists(st.tuples(places, places).map(lambda s: (min(s), max(s)))))
    hidden = {n for start, end in spans for n in range(start, end)}
    shown = "".join(piece or "" for piece in covered(comment, spans))
    kept = [letter for n, letter in enumerate(comment) if n not in hidden]
    # Blank space between two covered words goes with them.
    assert "".join(shown.split()) == "".join("".join(kept).split())


# --- 7 and 8: what is said of comments -----------------------------------------------------------


def test_rule_7_ratings_count_without_their_comment(client: Client) -> None:
    """Left-out comments count for the stars, and are counted in words with their reasons."""
    expert = expert_in()
    rate(expert, 12)
    for n in range(5):
        review_with(expert, f"Words {n}.")
    review_with(expert, "Rude.", "left_out", "offensive")
    review_with(expert, "Ad.", "left_out", "spam")
    review_with(expert, "New.", "waiting")
    actions.publish_ratings(on=DAY)
    rating = PublishedRating.objects.get()
    assert (rating.count, rating.comments) == (20, 8)
    assert rating.stars_tenths == rules.stars_tenths([8] * 12 + [2] * 8)
    page = client.get("/en/experts/sample-a/").content.decode()
    assert "5 of 8 comments shown; 3 not shown." in page
    assert "1 not shown because it is offensive" in page
    assert "1 not shown because it is advertising or a threat" in page
    assert "1 still being read" in page
    assert "Rude." not in page


@pytest.mark.parametrize(("number", "shown"), [(4, 0), (5, 5)])
def test_rule_8_at_least_five_comments_together(number: int, shown: int) -> None:
    """With 4 none shows; with 5 all do."""
    expert = expert_in()
    rate(expert, 20)
    for n in range(number):
        review_with(expert, f"Words {n}.")
    actions.publish_ratings(on=DAY)
    assert PublishedComment.objects.count() == shown


def test_rule_8_month_and_year_only(client: Client) -> None:
    """A comment is dated by its month; the page holds neither its day nor a family."""
    expert = expert_in()
    rate(expert, 20)
    for n in range(5):
        review_with(expert, f"Words {n}.")
    actions.publish_ratings(on=DAY)
    assert {c.month for c in PublishedComment.objects.all()} == {date(2026, 11, 1)}
    page = client.get("/en/experts/sample-a/").content.decode()
    comments = page[page.index('class="hm-comments"') :]
    assert "November 2026" in comments
    assert not re.search(r"Nov\w*\.? 23", comments)


# --- 9 and 10: monthly, one reply, safety --------------------------------------------------------


def test_rule_9_ratings_change_at_the_update_and_say_when(client: Client) -> None:
    """New ratings wait for the next update; the page prints the date of the latest."""
    expert = expert_in()
    rate(expert, 20, score=10)
    actions.publish_ratings(on=DAY)
    rate(expert, 20, score=0)
    page = client.get("/en/experts/sample-a/").content.decode()
    assert "5.0 of 5 stars" in page
    assert "updated Nov. 23, 2026" in page
    actions.publish_ratings(on=DAY)
    assert "3.0 of 5 stars" in client.get("/en/experts/sample-a/").content.decode()


def test_rule_10_no_field_can_hold_a_reply(client: Client) -> None:
    """The only answer is the fixed text; no model of the directory keeps one."""
    from django.apps import apps

    names = {
        field.name
        for model in apps.get_app_config("directory").get_models()
        for field in model._meta.get_fields()
    }
    assert not {name for name in names if "reply" in name or "answer" in name}
    expert = expert_in()
    rate(expert, 20)
    for n in range(5):
        review_with(expert, f"Words {n}.")
    actions.publish_ratings(on=DAY)
    for language, text in (("en", "Thank you to every family"), ("es", "Gracias a cada familia")):
        page = client.get(f"/{language}/experts/sample-a/").content.decode()
        assert page.count(text) == 1
        assert not re.search(r"<form[^>]*post", page[page.index("hm-rating") :])


@pytest.mark.parametrize(
    ("comment", "opens"),
    [
        ("They gave the wrong dose.", True),
        ("Mi hijo se cayó de la camilla.", True),
        ("WRONG MEDICINE!", True),
        ("We waited long.", False),
        ("", False),
    ],
)
def test_rule_10_a_word_of_harm_opens_a_task_at_once(comment: str, opens: bool) -> None:
    """In either language, before anyone reads it; the audit holds no word of it."""
    token = actions.mint_review_link(expert=expert_in(), family_key="f", visited_on=DAY, on=DAY)
    actions.send_review(token=token, score=1, explained=1, comment=comment, language="en", on=DAY)
    assert SafetyConcern.objects.exists() is opens
    assert Event.objects.filter(action="safety_concern.opened").exists() is opens
    assert not comment or not any(comment in str(e.detail) for e in Event.objects.all())


def test_rule_10_a_reader_opens_a_task_once() -> None:
    """Two readers who mark harm open one task; whoever closes it is written down."""
    review = review_with(expert_in(), "She was cold to us.", "waiting")
    first, second, nurse = readers(3)
    actions.decide(review=review, by=first, reason="", concern=True)
    actions.decide(review=review, by=second, reason="", concern=True)
    concern = SafetyConcern.objects.get()
    actions.close_concern(concern=concern, by=nurse)
    with pytest.raises(actions.ActionRefusedError):
        actions.close_concern(concern=concern, by=first)
    concern.refresh_from_db()
    assert concern.closed_by == nurse


def test_no_path_leads_from_a_score_to_what_shows() -> None:
    """Only the stars and the sending of a review name a score in the app's code."""
    import ast
    from pathlib import Path

    import hematon.portal.directory as app

    naming: dict[str, set[str]] = {}
    for file in Path(app.__file__).parent.rglob("*.py"):
        if "migrations" in file.parts:
            continue
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and node.attr == "score":
                    naming.setdefault(file.name, set()).add(function.name)
    assert naming == {"actions.py": {"_publish"}}


def test_opening_a_link_changes_nothing(client: Client) -> None:
    """A mail program that opens links does not use one up; no session is made."""
    token = actions.mint_review_link(expert=expert_in(), family_key="f", visited_on=DAY, on=DAY)
    for _ in range(3):
        assert client.get(f"/en/experts/review/{token}/").status_code == 200
    assert ReviewLink.objects.filter(used_on=None).count() == 1
    assert not StoredSession.objects.exists()
