"""From the stop screen to the page that explains, and the summary to take along."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hematon.portal.counts import access, actions, draft, explanation, forms, summary
from hematon.portal.counts.printout import MAX_DATES, Printout, read
from hematon.portal.files.incoming import InMemory
from hematon.portal.files.kinds import MAX_REQUEST_BYTES, WORDS, RefusedError
from hematon.portal.files.opening import open_upload
from hematon.portal.learn.pages import cards
from hematon.portal.ui.open import limits_its_body, open_page
from hematon.portal.ui.site import site

View = Callable[..., HttpResponse]
EXAMPLE = Path(__file__).parent / "example.txt"
form_page = require_http_methods(["GET", "HEAD", "POST"])


def after_stop_screen(view: View) -> View:
    """Send whoever has not answered the stop screen there first."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not draft.load(request, timezone.now()).checked:
            return redirect("counts")
        return view(request, *args, **kwargs)

    return guarded


def _on(request: HttpRequest) -> HttpResponseRedirect:
    """Go to the first day that is not confirmed, else to the explanation."""
    held = draft.load(request, timezone.now())
    number = held.first_open()
    if number is not None:
        return redirect("counts_confirm", number=number)
    for number, day in enumerate(held.sets, start=1):
        if draft.doubts(day):
            return redirect("counts_slip", number=number)
    return redirect("counts_explained")


def _posted(request: HttpRequest) -> QueryDict | None:
    """Give what was sent, empty or not, for a form to check; None when the page is only opened."""
    return request.POST if request.method == "POST" else None


@open_page
@form_page
def counts(request: HttpRequest) -> HttpResponse:
    """Ask for symptoms first: the same question for everyone."""
    form = forms.StopForm(_posted(request))
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["now"] == "yes":
            return redirect("get_help_now")
        held = draft.load(request, timezone.now())
        held.checked = True
        draft.save(request, held)
        return redirect("counts_add")
    symptoms = [cards()[key] for key in ("now", "today")]
    return render(request, "counts/stop.html", {"form": form, "symptoms": symptoms})


@open_page
@require_safe
@after_stop_screen
def counts_add(request: HttpRequest) -> HttpResponse:
    """Offer the three ways to add numbers."""
    held = draft.load(request, timezone.now())
    return render(
        request,
        "counts/add.html",
        {
            "draft": held,
            "next": len(held.sets) + 1,
            "pictures": access.pictures_of(request, timezone.now()),
        },
    )


@open_page
@form_page
@after_stop_screen
def counts_paste(request: HttpRequest) -> HttpResponse:
    """Read pasted lines."""
    form = forms.PasteForm(_posted(request))
    if request.method == "POST" and form.is_valid():
        found = _read(form.cleaned_data["text"])
        if found.results:
            _take(request, found)
            return _on(request)
        form.add_error(
            "text",
            _("We could not read a number in these lines. Write one test on each line, like this: ")
            + "HGB 12.1 g/dL 11.5 - 14.5",
        )
    return render(request, "counts/paste.html", {"form": form, "back": reverse("counts_add")})


def _read(text: str) -> Printout:
    return read(text, day_first=translation.get_language() == "es")


def _take(request: HttpRequest, found: Printout) -> None:
    held = draft.load(request, timezone.now())
    held.add(found)
    draft.save(request, held)


@limits_its_body
@open_page
@csrf_exempt
@form_page
def counts_upload(request: HttpRequest) -> HttpResponse:
    """Take one file: its limits are set before the first byte of it is read."""
    announced = str(request.META.get("CONTENT_LENGTH") or "0")
    if not announced.isdecimal() or int(announced) > MAX_REQUEST_BYTES:
        form = forms.UploadForm({}, {})
        return _upload_page(request, _told(form, str(WORDS["size"])), status=413)
    # The handlers must be set before the check of the token reads the form.
    request.upload_handlers = [InMemory(request)]
    return _upload(request)


@csrf_protect
@after_stop_screen
def _upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _upload_page(request, forms.UploadForm())
    form = forms.UploadForm(request.POST, {})
    sent = request.FILES.getlist("file")
    try:
        if not sent:
            raise RefusedError("none")
        opened = open_upload(sent[0])
    except RefusedError as refused:
        return _upload_page(request, _told(form, refused.words))
    found = _read(opened.text)
    if not opened.pictures and not found.results:
        said = _("We could not read a number in this file. Check that each row names a test")
        return _upload_page(request, _told(form, said))
    if opened.pictures:
        if not request.session.session_key:
            request.session.save()
        kept = actions.keep_pictures(
            session_key=request.session.session_key or "",
            pictures=opened.pictures,
            at=timezone.now(),
        )
        if not kept:
            said = _("You have 10 pictures here. Delete them to send others")
            return _upload_page(request, _told(form, said))
    _take(request, found)
    held = draft.load(request, timezone.now())
    if not found.results:
        open_set = held.first_open()
        return redirect("counts_confirm", number=open_set or len(held.sets) + 1)
    return _on(request)


def _told(form: forms.UploadForm, said: str) -> forms.UploadForm:
    """Say what is wrong with the file, beside the box and in its description."""
    form.add_error("file", said)
    form.fields["file"].widget.attrs["aria-describedby"] = "id_file-hint id_file-error"
    return form


def _upload_page(request: HttpRequest, form: forms.UploadForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "back": reverse("counts_add")}
    return render(request, "counts/upload.html", context, status=status)


@open_page
@require_safe
def counts_picture(request: HttpRequest, key: str) -> HttpResponse:
    """Show one picture to the browser that sent it."""
    at = timezone.now()
    found = access.picture_of(request, key, at)
    if found is None:
        actions.purge_expired(at=at)
        raise Http404
    return HttpResponse(
        bytes(found.picture),
        content_type="image/jpeg",
        headers={
            "Content-Disposition": f'inline; filename="page-{found.page}.jpg"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "no-store",
        },
    )


@open_page
@require_POST
@after_stop_screen
def counts_example(request: HttpRequest) -> HttpResponse:
    """Fill in sample values, marked on every page."""
    _delete_everything(request)
    held = draft.Draft(
        until=(timezone.now() + draft.KEPT_FOR).isoformat(), checked=True, example=True
    )
    held.add(read(EXAMPLE.read_text(encoding="utf-8"), day_first=False))
    draft.save(request, held)
    return _on(request)


@open_page
@require_POST
def counts_forget(request: HttpRequest) -> HttpResponse:
    """Delete what was entered and sent."""
    _delete_everything(request)
    return redirect("counts")


def _delete_everything(request: HttpRequest) -> None:
    draft.forget(request)
    if request.session.session_key:
        actions.delete_pictures(session_key=request.session.session_key)


@open_page
@form_page
@after_stop_screen
def counts_confirm(request: HttpRequest, number: int) -> HttpResponse:
    """Show the numbers of one day in boxes, to be confirmed."""
    held = draft.load(request, timezone.now())
    if not 1 <= number <= min(len(held.sets) + 1, MAX_DATES):
        return redirect("counts_add")
    day = held.sets[number - 1] if number <= len(held.sets) else draft.CountSet()
    others = {s.date for at, s in enumerate(held.sets, start=1) if at != number and s.confirmed}
    form = forms.SetForm(day, timezone.now().date(), others, _posted(request))
    if request.method == "POST":
        wish = request.POST.get("wish", "")
        if wish == "remove":
            held.sets[number - 1 : number] = []
            draft.save(request, held)
            return _on(request) if held.sets else redirect("counts_add")
        if form.is_valid() and wish == "another" and not form.cleaned_data["date"]:
            form.add_error("date", _("Enter a date before you add another one"))
        if form.is_valid():
            day = form.result()
            held.sets[number - 1 : number] = [day]
            if held.first_open() is None:
                held.unread = []
            draft.save(request, held)
            if draft.doubts(day):
                return redirect("counts_slip", number=number)
            if wish == "another" and len(held.sets) < MAX_DATES:
                return redirect("counts_confirm", number=len(held.sets) + 1)
            return _on(request)
    return render(
        request,
        "counts/confirm.html",
        {
            "form": form,
            "day": day,
            "number": number,
            "many": max(len(held.sets), number),
            "is_new": number > len(held.sets),
            "draft": held,
            "pictures": access.pictures_of(request, timezone.now()),
            "back": reverse("counts_add"),
        },
    )


@open_page
@form_page
@after_stop_screen
def counts_slip(request: HttpRequest, number: int) -> HttpResponse:
    """Ask about numbers that no laboratory prints in their unit."""
    held = draft.load(request, timezone.now())
    asked = draft.doubts(held.sets[number - 1]) if 1 <= number <= len(held.sets) else []
    if not asked:
        return _on(request)
    form = forms.SlipForm(asked, _posted(request))
    if request.method == "POST" and form.is_valid():
        again = False
        for doubt in asked:
            answer = form.cleaned_data[doubt.line.id]
            if answer == "again":
                again = True
            elif answer == "keep":
                doubt.row.kept = f"{doubt.row.value} {doubt.row.unit}"
            else:
                chosen = doubt.choices[int(answer)]
                doubt.row.value, doubt.row.unit = chosen.value, chosen.unit
        held.sets[number - 1].confirmed = not again
        draft.save(request, held)
        return redirect("counts_confirm", number=number) if again else _on(request)
    back = reverse("counts_confirm", kwargs={"number": number})
    return render(request, "counts/slip.html", {"form": form, "back": back, "draft": held})


def with_numbers(view: View) -> View:
    """Send whoever has confirmed no number to where numbers are added."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        held = draft.load(request, timezone.now())
        if not held.checked:
            return redirect("counts")
        if not held.confirmed():
            return redirect("counts_add")
        if held.first_open() is not None or any(draft.doubts(day) for day in held.sets):
            return _on(request)
        return view(request, *args, **kwargs)

    return guarded


@open_page
@require_safe
@with_numbers
def counts_explained(request: HttpRequest) -> HttpResponse:
    """Explain each line beside the laboratory's own range."""
    held = draft.load(request, timezone.now())
    return render(
        request,
        "counts/explained.html",
        {
            "draft": held,
            "found": explanation.cards(held.confirmed()),
            "care": cards(),
            "next": len(held.sets) + 1,
            "more_dates": len(held.sets) < MAX_DATES,
        },
    )


@open_page
@form_page
@with_numbers
def counts_questions(request: HttpRequest) -> HttpResponse:
    """Build the list of questions for the visit."""
    held = draft.load(request, timezone.now())
    initial = {"chosen": held.questions, "own": held.own_questions}
    form = forms.QuestionsForm(_posted(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        held.questions = form.cleaned_data["chosen"]
        held.own_questions = form.cleaned_data["own"]
        draft.save(request, held)
        return redirect("counts_summary")
    context = {"form": form, "back": reverse("counts_explained"), "draft": held}
    return render(request, "counts/questions.html", context)


@open_page
@require_safe
@with_numbers
def counts_summary(request: HttpRequest) -> HttpResponse:
    """Show one page to print and take along."""
    held = draft.load(request, timezone.now())
    return render(
        request,
        "counts/summary.html",
        {
            "draft": held,
            "found": explanation.cards(held.confirmed()),
            "asked": summary.asked(held),
            "made": timezone.now().astimezone(site().zone).date(),
            "back": reverse("counts_questions"),
        },
    )


@open_page
@require_POST
@with_numbers
def counts_send(request: HttpRequest) -> HttpResponse:
    """Attach the summary to the request that the family makes next; never sample values."""
    held = draft.load(request, timezone.now())
    if held.example:
        return redirect("counts_summary")
    summary.attach(request, held, timezone.now())
    try:
        return redirect(reverse("callback"))
    except NoReverseMatch:
        return redirect("get_care")
