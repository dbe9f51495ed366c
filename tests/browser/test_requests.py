"""J2 in a real browser: a second opinion from its door to the team's message and the reply."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.utils import timezone

from browser_walk import Walk
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit.models import Event
from hematon.portal.care import talking, working
from hematon.portal.care.models import Case, Message
from hematon.portal.care.status import HoldReason, Status
from hematon.portal.files import access, actions, scanning
from hematon.portal.files.models import State
from hematon.portal.files.scanning import Verdict, Word
from hematon.portal.notify.models import Notice
from hostile_files import EICAR, pdf, picture

Visit = Callable[..., Any]
pytestmark = pytest.mark.django_db(transaction=True)
TEXTS = {"month": "5", "day": "14", "year": "2019", "phone": "720 555 0100"}
MOST_PAGES = 60
CONTINUE = "main form .nhsuk-button:not([name=upload]):not([name=remove])"


class Scanner:
    """Knows one virus and can be switched off."""

    on = True

    def scan(self, content: bytes, **_: float) -> Verdict:
        """Judge a content."""
        if not self.on:
            return Verdict(Word.UNKNOWN, "down")
        return Verdict(Word.INFECTED, "virus") if EICAR in content else Verdict(Word.CLEAN)


@pytest.fixture(autouse=True)
def scanner(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Scanner:
    """Contents of each test's own, a scanner of ours, and no limit used up by another test."""
    settings.MEDIA_ROOT = tmp_path / "kept"
    cache.clear()
    made = Scanner()
    monkeypatch.setattr(scanning, "scan", made.scan)
    return made


@pytest.fixture
def nurse(db: None) -> User:
    """Someone of the team."""
    made = User.objects.create_user("nurse@tests.invalid", "a long enough password")
    StaffRole.objects.create(user=made, role=Role.INTAKE)
    return made


def answer(page: Any) -> None:
    """Answer whatever is asked, plainly."""
    for box in page.locator("main input[type=text]:visible, main input[type=tel]:visible").all():
        if box.get_attribute("name") != "other_language":
            box.fill(TEXTS.get(box.get_attribute("name"), "Sample parent A"))
    for box in page.locator("main textarea:visible").all():
        box.fill("A question?")
    for select in page.locator("main select:visible").all():
        code = select.get_attribute("name")
        select.select_option({"counts": "have", "hla": "hospital"}.get(code, "later"))
    names = page.eval_on_selector_all(
        "main input[type=radio], main input[type=checkbox]", "all => all.map(one => one.name)"
    )
    for name in dict.fromkeys(names):
        kind = {"receiver": "doctor", "blood_count": "file", "symptoms": "none"}.get(name)
        choice = page.locator(f"main input[name={name}]" + (f"[value={kind}]" if kind else ""))
        choice.first.check()


def upload(walk: Walk, folder: Path, *names: str) -> None:
    """Choose files and upload them."""
    walk.page.set_input_files("#id_file", [folder / name for name in names])
    walk.press("main button[name=upload]")


def files_in(folder: Path) -> Path:
    """Make the files that the family has."""
    folder = folder / "own"
    folder.mkdir()
    (folder / "report.pdf").write_bytes(pdf())
    (folder / "photo.jpg").write_bytes(picture("JPEG"))
    (folder / "bad.csv").write_bytes(EICAR)
    (folder / "large.jpg").write_bytes(b"\xff\xd8\xff" + b"\0" * 16_000_000)
    return folder


@pytest.mark.parametrize(
    ("language", "width", "script"),
    [
        ("es", 320, True),
        ("en", 1280, False),
        pytest.param("en", 1280, True, marks=pytest.mark.long),
        pytest.param("es", 320, False, marks=pytest.mark.long),
    ],
)
def test_a_second_opinion(
    visit: Visit,
    scanner: Scanner,
    nurse: User,
    tmp_path: Path,
    language: str,
    width: int,
    script: bool,
) -> None:
    """J2, T-18, T-29, T-36, T-43, T-44: the whole way, each page judged, one reference."""
    own = files_in(tmp_path)
    walk = Walk(visit(width, language, script=script), language, width, script=script)
    page = walk.page

    # The door, what it is, the rule of places, and who one is.
    walk.open("get-care/second-opinion/")
    walk.press("main a[href$='/requests/start/second-opinion/']")
    walk.judge("start")
    walk.press("main a[href$='/requests/where/']")
    walk.judge("where")
    page.locator("input[value=abroad]").check()
    walk.press("main form button[type=submit]")
    walk.judge("result-abroad")
    assert page.locator("form[action*='/begin/']").count() == 0
    walk.open("requests/where/")
    page.locator("input[value=home]").check()
    walk.press("main form button[type=submit]")
    walk.judge("result")
    walk.press("form[action*='/begin/'] button")
    walk.sign_in()
    walk.judge("begin")
    walk.press("main form button[type=submit]")
    walk.judge("tasks")
    case = Case.objects.get()
    tasks = f"requests/{case.pk}/tasks/"

    # Every task; files where files are asked for.
    timed_out = False
    for _page in range(MOST_PAGES):
        key = page.url.rstrip("/").rpartition("/")[2]
        if key == "tasks":
            if page.locator("a[href$='/check/']").count():
                break
            left = page.locator(".nhsuk-task-list__item:has(.nhsuk-tag) a")
            walk.press(f"[href='{left.first.get_attribute('href')}']")
            continue
        walk.judge(key)
        if key == "worry" and not timed_out:
            # Left lying for half an hour: in again by a code, and back at this very question.
            timed_out, place = True, page.url
            walk.is_idle()
            page.reload()
            assert "/account/sign-in/" in page.url
            walk.sign_in()
            assert page.url == place
        if key == "files-counts":
            upload(walk, own, "report.pdf", "photo.jpg", "bad.csv", "large.jpg")
            walk.judge("files-refused")
            told = page.inner_text("#error-summary")
            assert "bad.csv" in told
            assert "large.jpg" in told
            assert "15" in told
            assert page.title().startswith("Error: ")
            bad = page.locator(".hm-files__file", has_text="bad.csv")
            assert bad.locator(".nhsuk-tag--red").count() == 1
            with page.expect_navigation():
                bad.locator("button").click()
            assert page.locator(".hm-files__file .nhsuk-tag--green").count() == 2
            walk.judge("files-taken")
        elif key == "files-newest-count":
            scanner.on = False
            upload(walk, own, "report.pdf")
            walk.judge("files-held")
            assert page.locator(".hm-files__file .nhsuk-tag--yellow").count() == 1
            scanner.on = True
        else:
            answer(page)
        walk.press(CONTINUE)
    assert timed_out

    # Check, and send with a double click.
    walk.judge("tasks-done")
    walk.press("a[href$='/check/']")
    walk.judge("check")
    assert page.locator("main", has_text="photo.jpg").count()
    page.locator("main form button[type=submit]").dblclick()
    page.wait_for_url("**/sent/")
    walk.judge("sent")
    case.refresh_from_db()
    assert case.status == Status.RECEIVED
    assert case.reference
    assert case.reference in page.inner_text("main")
    assert Case.objects.count() == 1
    assert Event.objects.filter(action="case.sent").count() == 1
    assert Notice.objects.filter(key=f"received:{case.pk}").count() == 1
    assert {f.state for f in access.files_of(case.pk)} == {State.CLEAN, State.HELD}
    with page.expect_download() as given:
        page.locator("main a[href$='/receipt.pdf']").click()
    assert Path(given.value.path()).read_bytes().startswith(b"%PDF")
    # Back leads to no second request.
    page.go_back()
    walk.open(f"requests/{case.pk}/check/")
    walk.judge("already-sent")
    assert case.reference in page.inner_text("main")
    assert page.locator("main form").count() == 0

    # The held file is looked at; the team asks; the family reads, adds a file and replies.
    assert actions.rescan_held(at=timezone.now())["clean"] == 1
    hold(case, nurse)
    talking.send_message(
        case=case,
        key="a-message-of-the-team",
        text="Please send the marrow report.",
        by=nurse,
        language="en",
        at=timezone.now(),
    )
    walk.open("account/home/")
    walk.judge("home")
    assert page.locator(".hm-home__entry .nhsuk-tag--green").count() == 1
    walk.press(".hm-home__entry a")
    walk.judge("request")
    assert "Please send the marrow report." in page.inner_text("main")
    assert Message.objects.get().read_at is None
    walk.press("form[action$='/read/'] button")
    assert Message.objects.get().read_at is not None
    assert page.locator("form[action$='/read/']").count() == 0
    walk.press("main a.nhsuk-button[href$='/files/']")
    walk.judge("add-files")
    upload(walk, own, "report.pdf")
    walk.judge("add-files-taken")
    walk.press(CONTINUE)
    page.fill("main textarea", "Thank you.")
    walk.press("form[action$='/reply/'] button")
    walk.judge("request-replied")
    said = Message.objects.filter(from_staff=False).order_by("at")
    assert [message.text.splitlines()[-1] for message in said] == ["report.pdf", "Thank you."]
    walk.open("requests/")
    walk.judge("requests")
    for path in (tasks, f"requests/{case.pk}/take-back/"):
        walk.open(path)
        walk.judge(path.rstrip("/").rpartition("/")[2])

    assert not walk.wrong, "\n".join(walk.wrong)
    assert walk.judged >= 40
    everything = "\n".join(m.subject + m.body for m in mail.outbox)
    for unwanted in ("Sample parent A", str(case.reference), str(case.pk), "marrow"):
        assert unwanted not in everything


def hold(case: Case, nurse: User) -> None:
    """Let the team wait for records."""
    for status, reason in ((Status.ACCEPTED, ""), (Status.ON_HOLD, HoldReason.RECORDS.value)):
        case.refresh_from_db()
        working.step(
            case=case, status=status, by=nurse, at=timezone.now(), seen=case.revision, reason=reason
        )
