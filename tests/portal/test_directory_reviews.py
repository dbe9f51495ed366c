"""A family's review by its link, the warning, and two readers with their mask."""

from __future__ import annotations

from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from hematon.portal.accounts.models import Role
from hematon.portal.audit.models import Event
from hematon.portal.directory import actions
from hematon.portal.directory.identifying import Kind, pieces
from hematon.portal.directory.models import Decision, Expert, Review, ReviewLink, SafetyConcern

DAY = date(2026, 11, 23)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("views", "review_views", "access"):
        monkeypatch.setattr(f"hematon.portal.directory.{module}.today", lambda: DAY)


@pytest.fixture
def expert() -> Expert:
    """Whom the family saw."""
    return Expert.objects.create(
        slug="sample-a",
        given_names="Sample physician",
        family_name="Rivera",
        role="hematologist",
        languages=["en"],
        active_from=date(2026, 1, 1),
    )


@pytest.fixture
def token(expert: Expert) -> str:
    """A link that works."""
    return actions.mint_review_link(expert=expert, family_key="f", visited_on=DAY, on=DAY)


def answer(client: Client, token: str, comment: str, language: str = "en") -> str:
    """Walk the questions up to the look at the answers; give its page."""
    place = f"/{language}/experts/review"
    assert client.get(f"{place}/{token}/").status_code == 200
    step = client.post(f"{place}/{token}/")
    assert step.url == f"{place}/question/score/"
    step = client.post(step.url, {"score": "0"})
    assert step.url == f"{place}/question/explained/"
    step = client.post(step.url, {"explained": "2"})
    assert step.url == f"{place}/question/comment/"
    step = client.post(step.url, {"comment": comment})
    assert step.url == f"{place}/check/"
    return client.get(step.url).content.decode()


# --- what may identify ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comment", "kinds"),
    [
        ("My son Leo was scared.", [Kind.NAME]),
        ("Our little daughter Ana María cried. Ana María is 4.", [Kind.NAME, Kind.NAME]),
        ("Mi hijo Mateo tuvo miedo.", [Kind.NAME]),
        ("Soy la mamá de Sofía.", [Kind.NAME]),
        ("I am Leo's mom.", [Kind.NAME]),
        ("A boy named Leo", [Kind.NAME]),
        ("Mi niña se llama Luz.", [Kind.NAME]),
        ("We came on 12/03/2025.", [Kind.DATE]),
        ("We came on 2025-12-03.", [Kind.DATE]),
        ("We came on March 3rd", [Kind.DATE]),
        ("Fuimos el 3 de marzo", [Kind.DATE]),
        ("Call 555-0134 or (303) 555-0134", [Kind.PHONE, Kind.PHONE]),
        ("Write to a.b@example.org", [Kind.EMAIL]),
        ("MRN: 0012345 please", [Kind.RECORD]),
        ("expediente 77123", [Kind.RECORD]),
        ("number 12345678", [Kind.RECORD]),
        ("My son. They were kind.", []),
        ("My daughter Rivera helped", []),
        ("Everyone was kind to us for 3 weeks and 10 days.", []),
        ("Mi hijo está mejor. Gracias a todos.", []),
        ("", []),
    ],
)
def test_what_may_tell_who_a_child_is(comment: str, kinds: list[Kind]) -> None:
    """Names next to a child, dates, phones, mail and record numbers; not the expert's name."""
    found = pieces(comment, ["Sample physician Rivera"])
    assert [piece.kind for piece in found] == kinds
    assert all(comment[piece.start : piece.end] == piece.text for piece in found)


# --- the family ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_family_sends_a_review(client: Client, token: str, language: str) -> None:
    """Start, three questions, a look, thanks; the link then says that it was used."""
    page = answer(client, token, "They listened.", language)
    assert "They listened." in page
    assert "nhsuk-warning-callout" not in page
    done = client.post(f"/{language}/experts/review/check/")
    assert done.url == f"/{language}/experts/review/sent/"
    assert client.get(done.url).status_code == 200
    review = Review.objects.get()
    assert (review.score, review.explained, review.comment) == (0, 2, "They listened.")
    assert (review.language, review.state) == (language, "waiting")
    again = client.get(f"/{language}/experts/review/{token}/").content.decode()
    assert ("This link has been used" in again) or ("Este enlace ya se usó" in again)
    assert client.post(f"/{language}/experts/review/{token}/").status_code == 200
    assert Review.objects.count() == 1


def test_the_warning_names_the_pieces_and_lets_the_family_edit(client: Client, token: str) -> None:
    """The child's name is pointed at; the changed comment has no warning; both can be sent."""
    page = answer(client, token, "My son Leo liked her. Call 555-0134.")
    assert "This may tell who your child is" in page
    assert "<strong>Leo</strong>" in page
    assert "<strong>555-0134</strong>" in page
    assert "Send it as it is" in page
    client.post("/en/experts/review/question/comment/", {"comment": "My son liked her."})
    page = client.get("/en/experts/review/check/").content.decode()
    assert "This may tell who your child is" not in page
    client.post("/en/experts/review/check/")
    assert Review.objects.get().comment == "My son liked her."


def test_steps_cannot_be_skipped(client: Client, token: str) -> None:
    """Without answers there is nothing to send; without a link there is no question."""
    assert client.post("/en/experts/review/check/").status_code == 410
    assert client.get("/en/experts/review/question/score/").status_code == 410
    client.post(f"/en/experts/review/{token}/")
    jumped = client.post("/en/experts/review/check/")
    assert jumped.url == "/en/experts/review/question/score/"
    assert not Review.objects.exists()
    assert not ReviewLink.objects.exclude(used_on=None).exists()


def test_the_token_leaves_the_address(client: Client, token: str) -> None:
    """No question's page holds the link."""
    page = answer(client, token, "Kind.")
    assert token not in page
    back = client.get("/en/experts/review/link/")
    assert back.status_code == 302


@pytest.mark.parametrize(
    ("key", "given", "said"),
    [
        ("score", {"score": "11"}, "Select a valid choice"),
        ("score", {}, "Choose a number from 0 to 10"),
        ("explained", {"explained": ""}, "Choose an answer from 1 to 5"),
        ("comment", {"comment": "x" * 1001}, "1,000 characters or fewer"),
    ],
)
def test_wrong_answers_are_told_in_words(
    client: Client, token: str, key: str, given: dict[str, str], said: str
) -> None:
    """The page says what to do, begins its title with Error, and keeps what was typed."""
    client.post(f"/en/experts/review/{token}/")
    for before, right in (("score", "3"), ("explained", "3")):
        if before == key:
            break
        client.post(f"/en/experts/review/question/{before}/", {before: right})
    page = client.post(f"/en/experts/review/question/{key}/", given).content.decode()
    assert said in page
    assert "<title>Error: " in page
    assert not Review.objects.exists()


def test_a_comment_of_1000_characters_with_line_breaks_is_taken(client: Client, token: str) -> None:
    """A line break counts once, though browsers send two characters for it."""
    page = answer(client, token, "line\r\n" * 199 + "tenth")
    assert "Send your review" in page


def test_a_link_in_two_tabs_makes_one_review(client: Client, token: str) -> None:
    """The slower tab reads that the link was used."""
    answer(client, token, "First.")
    other = Client()
    answer(other, token, "Second.")
    client.post("/en/experts/review/check/")
    late = other.post("/en/experts/review/check/").content.decode()
    assert "This link has been used" in late
    assert [r.comment for r in Review.objects.all()] == ["First."]


def test_the_audit_holds_no_word_of_a_review(client: Client, token: str) -> None:
    """Who and what, but neither words nor numbers."""
    answer(client, token, "Canary words.")
    client.post("/en/experts/review/check/")
    rows = str(list(Event.objects.values("action", "subject", "detail", "actor")))
    assert "review.sent" in rows
    assert "Canary" not in rows
    assert "score" not in rows


def test_the_command_prints_one_link(client: Client, expert: Expert) -> None:
    """The link works; wrong orders are refused in words."""
    out = StringIO()
    order = ["mint_review_link", "--family", "k", "--visit", "2026-11-20"]
    call_command(*order, "--expert", "sample-a", "--site", "https://x.invalid/", stdout=out)
    link = out.getvalue().strip()
    assert link.startswith("https://x.invalid/en/experts/review/")
    assert client.get(link.removeprefix("https://x.invalid")).status_code == 200
    with pytest.raises(CommandError, match="No expert"):
        call_command(*order, "--expert", "nobody")
    with pytest.raises(CommandError, match="last 30 days"):
        call_command(*order, "--expert", "sample-a")


# --- the readers ---------------------------------------------------------------------------------


def waiting(expert: Expert, comment: str) -> Review:
    """A comment that waits."""
    return Review.keep(
        expert=expert,
        received_on=DAY,
        score=1,
        explained=1,
        comment=comment,
        language="en",
        state="waiting",
    )


def test_two_readers_mask_and_settle_by_the_pages(expert: Expert, signed_in: Any) -> None:
    """The first shows, the second covers a word; the comment shows with a block in its place."""
    review = waiting(expert, "Thanks, Leo smiled.")
    first, second = signed_in(Role.MODERATOR), signed_in(Role.MODERATOR, Role.EDITOR)
    place = f"/staff/review-queue/{review.pk}/"
    page = first.get(place).content.decode()
    assert ">Leo</label>" in page
    assert first.post(place, {"decision": "show"}).url == "/staff/review-queue/"
    assert first.get(place).status_code == 404
    assert "Nothing waits for you" in first.get("/staff/review-queue/").content.decode()
    assert "1 so far" in second.get("/staff/review-queue/").content.decode()
    second.post(place, {"decision": "show", "mask": ["1"]})
    review.refresh_from_db()
    assert (review.state, review.masks) == ("shown", [[8, 11]])
    for n in range(4):
        Review.keep(
            expert=expert,
            received_on=DAY,
            score=9,
            explained=5,
            comment=f"More {n}.",
            language="en",
            state="shown",
        )
    Review.objects.bulk_create(
        Review(expert=expert, received_on=DAY, score=9, explained=5, language="en", state="none")
        for _ in range(15)
    )
    actions.publish_ratings(on=DAY)
    public = Client().get("/en/experts/sample-a/").content.decode()
    assert 'Thanks, <span class="hm-masked">words removed</span> smiled.' in public
    assert "Leo" not in public


def test_readers_see_neither_score_nor_each_other(expert: Expert, signed_in: Any) -> None:
    """The page of a comment is the same whatever its score and the first decision."""
    low, high = waiting(expert, "Same words."), waiting(expert, "Same words.")
    Review.objects.filter(pk=high.pk).update(score=10)
    reader = signed_in(Role.MODERATOR)
    other = signed_in(Role.MODERATOR, Role.EDITOR)
    other.post(f"/staff/review-queue/{high.pk}/", {"decision": "spam"})

    def page(review: Review) -> str:
        text = reader.get(f"/staff/review-queue/{review.pk}/").content.decode()
        start, end = text.index("<main"), text.index("</main>")
        import re

        body = text[start:end].replace(f"comment {review.pk}", "comment")
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", body)

    assert page(low) == page(high)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Choose whether to show"),
        ({"decision": "negative"}, "Select a valid choice"),
        ({"decision": "spam", "mask": ["0"]}, "only in comments to show"),
        ({"decision": "show", "mask": ["0", "1"]}, "leave the comment out instead"),
        ({"decision": "show", "mask": ["7"]}, "not in the comment"),
    ],
)
def test_decisions_that_make_no_sense_are_refused(
    expert: Expert, signed_in: Any, given: dict[str, Any], said: str
) -> None:
    """In words, and nothing is kept."""
    review = waiting(expert, "Two words")
    page = signed_in(Role.MODERATOR).post(f"/staff/review-queue/{review.pk}/", given)
    assert said in page.content.decode()
    assert not Decision.objects.exists()


def test_the_care_team_closes_a_concern(expert: Expert, signed_in: Any) -> None:
    """A reader opens it, intake sees the words and closes it; readers alone cannot."""
    review = waiting(expert, "Nobody watched her.")
    moderator, nurse = signed_in(Role.MODERATOR), signed_in(Role.INTAKE)
    moderator.post(f"/staff/review-queue/{review.pk}/", {"decision": "show", "concern": "yes"})
    concern = SafetyConcern.objects.get()
    assert "Nobody watched her." in nurse.get("/staff/safety-concerns/").content.decode()
    place = f"/staff/safety-concerns/{concern.pk}/"
    assert moderator.post(place).status_code == 403
    assert nurse.get(place).status_code == 405
    assert nurse.post(place).status_code == 302
    assert nurse.post(place).status_code == 404
    assert "Closed" in nurse.get("/staff/safety-concerns/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_comments_from_before_are_put_under_seal() -> None:
    """T-32: the migration keeps every word, and the column of the open ones is gone."""
    before = ("directory", "0002_photo")
    executor = MigrationExecutor(connection)
    executor.migrate([before])
    try:
        apps = executor.loader.project_state([before]).apps
        made = apps.get_model("directory", "Expert").objects.create(
            slug="sample-z",
            given_names="Sample",
            family_name="Z",
            role="physician",
            active_from=DAY,
        )
        said = {"": 1, "Sample words Wqz.": 2}
        for comment, score in said.items():
            apps.get_model("directory", "Review").objects.create(
                expert=made,
                received_on=DAY,
                score=score,
                explained=3,
                comment=comment,
                language="en",
                state="waiting" if comment else "none",
            )
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    assert {r.comment: r.score for r in Review.objects.all()} == said
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM directory_words")
        ((sealed,),) = cursor.fetchall()
        cursor.execute("SELECT * FROM directory_review")
        assert "comment" not in {column[0] for column in cursor.description}
    assert b"Wqz" not in bytes(sealed)
