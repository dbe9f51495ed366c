"""Files of a family's request: where they are asked for, kept, refused, added, opened; whose."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pypdfium2 import PdfDocument

from family_requests import ANSWERS, begun, family, fill, sent
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit.models import Event
from hematon.portal.care import sending, tasks, uploads, working
from hematon.portal.care.ask_forms import RECORDS
from hematon.portal.care.models import Case, Message
from hematon.portal.care.status import HoldReason, Kind, Status
from hematon.portal.files import access, actions, scanning, store
from hematon.portal.files.models import State, StoredFile
from hematon.portal.files.scanning import Verdict, Word
from hostile_files import CSV, EICAR, pdf, picture

pytestmark = pytest.mark.django_db
NOBODY = {code: "no" for code, _label in RECORDS}


class Scanner:
    """A scanner that knows one virus and can be switched off."""

    on = True

    def scan(self, content: bytes, **_: float) -> Verdict:
        """Judge a content."""
        if not self.on:
            return Verdict(Word.UNKNOWN, "down")
        return Verdict(Word.INFECTED, "virus") if EICAR in content else Verdict(Word.CLEAN)


@pytest.fixture(autouse=True)
def scanner(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Scanner:
    """Contents of each test's own, and a scanner of ours."""
    settings.MEDIA_ROOT = tmp_path
    made = Scanner()
    monkeypatch.setattr(scanning, "scan", made.scan)
    return made


def send(client: Client, where: str, *files: tuple[str, bytes], **pressed: str) -> Any:
    """Press a button, with files chosen."""
    return client.post(where, {"file": [SimpleUploadedFile(*f) for f in files], **pressed})


def opinion(client: Client, **records: str) -> tuple[Case, str]:
    """Begin a second opinion with records to send; give the folder of its pages too."""
    case = begun(client, Kind.SECOND_OPINION)
    here = f"/en/requests/{case.pk}/tasks/records/"
    client.post(f"{here}records/", {**NOBODY, **records})
    return case, here


def test_each_record_that_is_sent_here_has_its_own_page() -> None:
    """J2, S18: the checklist, then one place for each kind that was ticked, and for no other."""
    client, _user = family()
    case, here = opinion(client, marrow="have", hla="have", pnh="hospital")
    task = client.get(f"/en/requests/{case.pk}/tasks/records/")
    assert task["Location"] == f"{here}files-marrow/"
    page = client.get(task["Location"]).content.decode()
    places = [page.index(said) for said in ("smaller than 15MB", 'type="file"', "Your files")]
    assert places == sorted(places)
    assert "Bone marrow report</h1>" in page
    assert 'enctype="multipart/form-data"' in page
    assert page.count("<h1") == 1
    # A page that is not asked for, or not yet, leads to the one whose turn it is.
    for key in ("files-pnh", "files-hla", "files-newest-count"):
        assert client.get(f"{here}{key}/").status_code in (302, 404)
    pressed = send(client, f"{here}files-marrow/", ("report.pdf", pdf()), upload="1")
    assert pressed["Location"] == f"{here}files-marrow/"
    page = client.get(f"{here}files-marrow/").content.decode()
    assert "report.pdf" in page
    assert ">Ready<" in page
    assert client.post(f"{here}files-marrow/")["Location"] == f"{here}files-hla/"
    done = send(client, f"{here}files-hla/", ("hla.csv", CSV), ("hla.jpg", picture("JPEG")))
    assert done["Location"] == f"/en/requests/{case.pk}/tasks/"
    case.refresh_from_db()
    task_ = tasks.task_of(case.kind, "records")
    assert task_ is not None
    answers = uploads.answers_of(case)
    assert tasks.status_of(task_, case.kind, answers) == tasks.TaskStatus.COMPLETED
    assert {(f.step, f.name) for f in access.files_of(case.pk)} == {
        ("files-marrow", "report.pdf"),
        ("files-hla", "hla.csv"),
        ("files-hla", "hla.jpg"),
    }


def test_going_on_without_a_file_is_told_and_can_be_changed() -> None:
    """T-05: a task that promised a file is open without it; another answer closes it."""
    client, _user = family()
    case, here = opinion(client, marrow="have")
    page = client.post(f"{here}files-marrow/").content.decode()
    assert "<title>Error: " in page
    assert "Select a file" in page
    assert f'href="{here}records/"' in page
    later = client.post(f"{here}files-marrow/", {"later": "1"})
    assert later["Location"] == f"/en/requests/{case.pk}/tasks/"
    assert "0 of 7 tasks" in client.get(later["Location"]).content.decode()
    client.post(f"{here}records/", {**NOBODY, "marrow": "later"})
    assert "1 of 7 tasks" in client.get(later["Location"]).content.decode()


def test_a_refused_file_keeps_the_good_ones(scanner: Scanner) -> None:
    """J2 step 7, T-43: PDF and JPG taken; EICAR and 16 MB refused in words; nothing is lost."""
    client, _user = family()
    _case, here = opinion(client, counts="have")
    big = b"\xff\xd8\xff" + b"\0" * 16_000_000
    answer = send(
        client,
        f"{here}files-counts/",
        ("a.pdf", pdf()),
        ("b.jpg", picture("JPEG")),
        ("c.csv", EICAR),
        ("d.jpg", big),
        upload="1",
    )
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "c.csv: The selected file contains a virus" in page
    assert "d.jpg: The selected file must be smaller than 15MB" in page
    assert page.count(">Ready<") == 2
    assert page.count(">Problem<") == 1
    case = Case.objects.get()
    assert uploads.answers_of(case)["files-counts"] == {"count": 2}
    assert not StoredFile.objects.get(state=State.INFECTED).stored_as


def test_without_a_scanner_files_wait_and_the_request_is_sent(scanner: Scanner) -> None:
    """T-44: held, said so, sent with the request, and ready when the scanner is back."""
    client, _user = family()
    case = begun(client, Kind.QUESTION)
    fill(client, case)
    here = f"/en/requests/{case.pk}/tasks/blood-count/"
    scanner.on = False
    asked = client.post(f"{here}blood-count/", {"blood_count": "file"})
    assert asked["Location"] == f"{here}files-newest-count/"
    send(client, f"{here}files-newest-count/", ("count.pdf", pdf()), upload="1")
    page = client.get(f"{here}files-newest-count/").content.decode()
    assert ">Checking<" in page
    assert client.post(f"{here}files-newest-count/")["Location"].endswith("/tasks/")
    check = client.get(f"/en/requests/{case.pk}/check/").content.decode()
    assert "count.pdf (we are still checking it)" in check
    case.refresh_from_db()
    client.post(f"/en/requests/{case.pk}/check/", {"seen": case.revision})
    case.refresh_from_db()
    assert case.status == Status.RECEIVED
    sent_page = f"/en/requests/{case.pk}/"
    assert "We have this file. We still check it" in client.get(sent_page).content.decode()
    stored = access.files_of(case.pk).get()
    own = client.get(f"/en/requests/{case.pk}/files/{stored.pk}/")
    assert own.content.startswith(b"%PDF")
    scanner.on = True
    assert actions.rescan_held(at=timezone.now())["clean"] == 1
    assert ">Ready<" in client.get(sent_page).content.decode()


def test_a_change_of_files_stops_an_old_check_page() -> None:
    """T-36: what the family saw on the check page is what is sent, files included."""
    client, _user = family()
    case, here = opinion(client, marrow="have")
    send(client, f"{here}files-marrow/", ("a.csv", CSV), upload="1")
    for task in tasks.tasks_of(case.kind):
        if task.key != "records":
            _only(client, case, task.key)
    check = client.get(f"/en/requests/{case.pk}/check/").content.decode()
    seen = re.search(r'name="seen" value="(\d+)"', check)
    assert seen
    assert "a.csv" in check
    send(client, f"{here}files-marrow/", ("b.csv", CSV), upload="1")
    answer = client.post(f"/en/requests/{case.pk}/check/", {"seen": seen[1]}, follow=True)
    assert "An answer changed since" in answer.content.decode()
    assert "b.csv" in answer.content.decode()
    removed = access.files_of(case.pk).first()
    assert removed
    client.post(f"{here}files-marrow/", {"remove": str(removed.pk)})
    case.refresh_from_db()
    assert case.revision > int(seen[1]) + 1


def _only(client: Client, case: Case, key: str) -> None:
    step = client.get(f"/en/requests/{case.pk}/tasks/{key}/", follow=True)
    while not (path := step.request["PATH_INFO"]).endswith(f"/{case.pk}/tasks/"):
        step = client.post(path, ANSWERS[path.rstrip("/").rpartition("/")[2]], follow=True)


def test_files_of_a_way_not_taken_do_not_go_along() -> None:
    """A record that was uploaded and then answered otherwise is taken back at sending."""
    client, _user = family()
    case, here = opinion(client, marrow="have", hla="have")
    send(client, f"{here}files-marrow/", ("marrow.csv", CSV), upload="1")
    send(client, f"{here}files-hla/", ("hla.csv", CSV), upload="1")
    fill(client, case, without="records")
    client.post(f"{here}records/", {**NOBODY, "hla": "have"})
    case.refresh_from_db()
    client.post(f"/en/requests/{case.pk}/check/", {"seen": case.revision})
    case.refresh_from_db()
    assert case.status == Status.RECEIVED
    assert [f.name for f in access.files_of(case.pk)] == ["hla.csv"]
    assert not any(key in tasks.UPLOADS for key in case.answers)
    assert (
        "We have 1 file from you." in client.get(f"/en/requests/{case.pk}/sent/").content.decode()
    )
    receipt = client.get(f"/en/requests/{case.pk}/receipt.pdf").content
    page = PdfDocument(io.BytesIO(receipt))[0].get_textpage().get_text_range()
    assert "We have 1 file from you." in page
    assert "hla" not in page
    page = client.get(f"/en/requests/{case.pk}/").content.decode()
    assert "hla.csv" in page
    assert "marrow.csv" not in page


def test_files_are_opened_by_who_sent_them_alone() -> None:
    """T-02, T-07: not by another family, not by staff here, not those of the team."""
    client, user = family()
    other, _other = family()
    case, here = opinion(client, marrow="have")
    send(client, f"{here}files-marrow/", ("a.csv", CSV), upload="1")
    stored = access.files_of(case.pk).get()
    address = f"/en/requests/{case.pk}/files/{stored.pk}/"
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment")
    assert Event.objects.filter(action="files.opened_by_sender", actor_id=user.pk).count() == 1
    assert other.get(address).status_code == 404
    nurse = nurse_()
    staff = Client()
    staff.force_login(nurse)
    assert staff.get(address).status_code == 403
    theirs = actions.take(
        holder=case.pk,
        upload=SimpleUploadedFile("internal.csv", CSV),
        by=nurse,
        at=timezone.now(),
        step="team",
    )
    assert client.get(f"/en/requests/{case.pk}/files/{theirs.pk}/").status_code == 404
    # Another case of the same family does not open it either.
    second = begun(client, Kind.QUESTION)
    assert client.get(f"/en/requests/{second.pk}/files/{stored.pk}/").status_code == 404
    actions.remove(stored=stored, by=user, at=timezone.now())
    assert client.get(address).status_code == 404


def nurse_() -> User:
    """Give someone of intake."""
    nurse = User.objects.create_user("n@tests.invalid", "a long enough password")
    StaffRole.objects.create(user=nurse, role=Role.INTAKE)
    return nurse


def asked_for_records(case: Case, nurse: User) -> Case:
    """Let the team wait for records."""
    for status, reason in (
        (Status.ACCEPTED, ""),
        (Status.ON_HOLD, HoldReason.RECORDS.value),
    ):
        case.refresh_from_db()
        case = working.step(
            case=case, status=status, by=nurse, at=timezone.now(), seen=case.revision, reason=reason
        )
    return case


def test_files_are_added_when_the_team_asks() -> None:
    """J4 step 8: added in a batch, told once, kept from then on; the next batch begins anew."""
    client, user = family()
    case, nurse = sent(client), nurse_()
    page = client.get(f"/en/requests/{case.pk}/").content.decode()
    assert "The team asked you" not in page
    assert "Add files" in page
    case = asked_for_records(case, nurse)
    page = client.get(f"/en/requests/{case.pk}/").content.decode()
    assert "The team asked you for something." in page
    here = f"/en/requests/{case.pk}/files/"
    assert "Select a file" in client.post(here).content.decode()
    send(client, here, ("one.csv", CSV), ("two.pdf", pdf()), upload="1")
    assert (
        "The team does not know of them yet."
        in client.get(f"/en/requests/{case.pk}/").content.decode()
    )
    wrong = next(f for f in access.files_of(case.pk, "added-1") if f.name == "one.csv")
    client.post(here, {"remove": str(wrong.pk)})
    for _press in range(2):
        client.post(here, follow=True)
    told = Message.objects.get(case=case, template=uploads.TOLD)
    assert (told.by, told.from_staff, told.text) == (user, False, "I sent 1 file:\ntwo.pdf")
    case.refresh_from_db()
    assert case.reply_due_at is not None
    # What the team was told of stays.
    client.post(here, {"remove": str(access.files_of(case.pk, "added-1").get().pk)})
    assert access.files_of(case.pk, "added-1").count() == 1
    send(client, here, ("three.csv", CSV))
    assert Message.objects.filter(case=case, template=uploads.TOLD).count() == 2
    assert access.files_of(case.pk, "added-2").get().name == "three.csv"


def test_nothing_is_added_to_what_is_closed_or_anothers() -> None:
    """T-02: another family gets 404; a request taken back takes no file."""
    client, _user = family()
    other, _other = family()
    case = sent(client)
    here = f"/en/requests/{case.pk}/files/"
    assert send(other, here, ("a.csv", CSV), upload="1").status_code == 404
    client.post(f"/en/requests/{case.pk}/take-back/", {"seen": case.revision})
    assert send(client, here, ("a.csv", CSV), upload="1")["Location"].endswith(f"/{case.pk}/")
    assert not StoredFile.objects.exists()


def test_a_deleted_draft_takes_its_files_along(django_capture_on_commit_callbacks: Any) -> None:
    """T-40: rows and contents are gone."""
    client, user = family()
    case, here = opinion(client, marrow="have")
    send(client, f"{here}files-marrow/", ("a.csv", CSV), upload="1")
    place = store.path_of(access.files_of(case.pk).get().stored_as)
    assert place.is_file()
    with django_capture_on_commit_callbacks(execute=True):
        sending.discard(case=case, by=user, at=timezone.now())
    assert not StoredFile.objects.exists()
    assert not place.exists()


def test_limits_of_a_step_are_said() -> None:
    """Ten files a step: the eleventh is refused in words, the ten stay."""
    client, _user = family()
    _case, here = opinion(client, marrow="have")
    files = [(f"{n}.csv", CSV) for n in range(11)]
    page = send(client, f"{here}files-marrow/", *files, upload="1").content.decode()
    assert "You can send at most 10 files here" in page
    assert page.count(">Ready<") == 10
