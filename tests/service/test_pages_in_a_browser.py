"""The pages in Chromium: they fit, say nothing on the console, work without scripts, and follow a driver."""

import contextlib
import time
import urllib.error
import urllib.request
from unittest import mock

import pytest

from tests.support.browser import browser, needs_chromium
from tests.support.hostile_runs import MARKERS, fill
from tests.support.reading_service import BEARER, TOKEN, application, served
from tests.support.report_values import database
from tests.support.store_values import ME, candidate, driven, evaluation, key
from tuner.core.requests import Cost, Desired, Outcome
from tuner.core.trial import Role
from tuner.service.forms import RunForm
from tuner.service.guard import COOKIE
from tuner.service.tokens import Sessions
from tuner.storage import ServiceStore, Store, Unreachable, this_process

pytestmark = needs_chromium
WIDTHS = (390, 820, 1400)
PATIENCE = 120  # seconds after which what is waited for is taken as missing; nothing is asserted about less


@pytest.fixture(scope="module")
def page():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("browser") / "runs.db"
    database(file)
    with ServiceStore.open(str(file)) as store:
        fill(store)
        fill_queue(store)
    return file


def fill_queue(store):
    """Submit runs of every state but those with a driver, with hostile texts, and make a token."""
    fields = {**RunForm(task=["rosenbrock"], search_spaces=[MARKERS[0] * 3]).fields(), "optimizers": ["Adam", "LODO"]}
    cost = Cost(studies=2, candidates=96, evaluations=96_000, width=2, rounds={"rosenbrock/Adam": 480})
    for run in ("waiting", "a" * 64, "paused", "failed"):
        request, _ = store.submit(run, by="ann", fields=fields, cost=cost, is_private=True)
        if run == "paused":
            store.ask(run, Desired.PAUSE, by="ann")
        elif run == "failed":
            epoch = store.start_driver(request.id, request.epoch, 1)
            store.end_driver(request.id, epoch, Outcome.FAILED, " ".join(MARKERS) + " word" * 100)
        else:
            store.grant({}, {request.id: ("waits behind 2 of ann's runs " + MARKERS[0], 5_000.0)})
    store.create_token(user="ann", sha256="0" * 64, scopes=["read"], by="operator", note=MARKERS[0] * 2)


@pytest.fixture(scope="module")
def pages(file):
    """Return the paths of all pages of a search, a comparison and a run with hostile texts."""
    with Store.open(str(file)) as store:
        ids = {record.spec.name: record.id for record in store.studies()}
        candidates = [store.candidate_page(study, limit=4)[0].rows[-1].id for study in ids.values()]
    return [
        "/",
        "/runs/first",
        "/runs/second",
        "/runs/hostile",
        "/new",
        "/compare?search=first",
        "/queue",
        "/tokens",
        "/runs/waiting",
        "/runs/failed",
        *(f"/studies/{study}{part}" for study in ids.values() for part in ("", "/candidates")),
        *(f"/candidates/{number}" for number in candidates),
    ]


def log_in(page, app, address):
    """Give the browser a session."""
    page.ask("Network.clearBrowserCookies")
    page.ask("Network.setCookie", name=COOKIE, value=app.state.sessions.begin(), url=address)


@contextlib.contextmanager
def opened(page, file):
    """Serve a database; yield the address, with a session of the browser, and close the page's stream afterwards."""
    app = application(str(file))
    with served(app) as address:
        log_in(page, app, address)
        yield address
        page.open("about:blank", width=800)


def shown(page):
    return page.value("document.querySelector('main').innerText")


def wait_for(page, expression):
    """Wait until an expression is true on the page."""
    end = time.monotonic() + PATIENCE
    while not page.value(expression):
        assert time.monotonic() < end, f"{expression} is false on: {shown(page)}"
        time.sleep(0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_every_window_and_nothing_on_it_runs(page, file, pages, scheme):
    page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    with opened(page, file) as address:
        page.problems.clear()
        page.requests.clear()
        for path in pages:
            for width in WIDTHS:
                page.open(address + path, width=width)
                assert page.problems == [], path
                assert page.value("typeof hacked") == "undefined", path
                assert page.value("innerWidth") == width, path
                assert page.value("document.documentElement.scrollWidth") <= width, path
                assert page.value("document.querySelectorAll('h1').length") == 1, path
        assert [one for one in page.requests if not one.startswith((address, "data:,"))] == []


def test_every_page_can_be_read_without_scripts(page, file, pages):
    with opened(page, file) as address:
        for path in pages:
            page.open(address + path, width=820, scripts=True)
            page.value("document.querySelectorAll('[data-copy]').forEach((one) => one.remove())")  # needs scripts
            with_scripts = shown(page)
            page.open(address + path, width=820, scripts=False)
            page.ask("Emulation.setScriptExecutionDisabled", value=False)  # so that the page can be asked
            assert shown(page) == with_scripts, path


def test_a_page_follows_a_driver_below_a_root_path_and_after_the_server_has_started_again(page, tmp_path):
    file = str(tmp_path / "runs.db")
    with Store.open(file) as store:
        study, epoch = driven(store, owner=ME, generations=1, population=4, add=[key(slot) for slot in range(4)])

        def follows(slot):
            store.record(study, epoch, [evaluation(key(slot), fitness=4.0 - slot)])
            wait_for(page, f"document.querySelector('#summary progress').value === {slot + 1}")
            wait_for(page, f"document.querySelector('#summary .big').innerText === '{4.0 - slot:.3f}'")

        sessions = Sessions(TOKEN)
        app = application(file, root_path="/tune", sessions=sessions)
        with served(app) as address:
            log_in(page, app, address)
            page.open(f"{address}/studies/{study}", width=820)
            page.value("window.mark = 1")  # lost if the page were loaded again
            wait_for(page, "!document.getElementById('live').hidden")
            follows(0)
            follows(1)
        store.record(study, epoch, [evaluation(key(2), fitness=2.0)])  # while no server runs
        port = int(address.split(":")[2].split("/")[0])
        with served(application(file, root_path="/tune", sessions=sessions), port):
            wait_for(page, "document.querySelector('#summary progress').value === 3")
            follows(3)
            assert page.value("window.mark") == 1
        with served(application(file, root_path="/tune"), port):  # which does not know the session
            wait_for(page, "document.title.startsWith('Log in')")
        page.open("about:blank", width=800)


def test_a_run_page_says_who_leads_how_sure_that_is_and_when_it_ends(page, tmp_path):
    file = str(tmp_path / "runs.db")
    with Store.open(file) as store:
        for optimizer, level in (("Adam", 2.0), ("Yogi", 1.0)):
            study, epoch = driven(store, optimizer=optimizer, owner=ME, generations=1, population=2, fresh_seeds=3)
            due = [key(slot) for slot in range(2)]
            fresh = [key(slot, role=role) for role in (Role.DEFAULT, Role.TUNED) for slot in range(3)]
            for each in (*due, *fresh):
                store.add(study, epoch, [candidate(each)])
                value = level + 0.01 * each.slot + (10 if each.role is Role.DEFAULT else 0)
                store.record(study, epoch, [evaluation(each, fitness=value)])
            store.finish(study, epoch, tuned={"rate": 0.1}, tuned_genome=[0.0])
            store.release(study, epoch, "complete")
    with opened(page, file) as address:
        page.open(f"{address}/runs/run", width=390)
        leads, sure, long = (
            page.value(f"document.querySelectorAll('.card')[{number}].innerText") for number in range(3)
        )
        assert "Yogi: 1.010 ± 0.010" in leads
        assert "Clear" in sure
        assert "Better than Adam by 49.8 %" in sure  # (2.01 - 1.01) / 2.01, the means of three seeds
        assert "Complete since" in long


def test_the_first_key_leads_past_the_menu_and_every_link_shows_its_focus(page, file):
    with opened(page, file) as address:
        page.open(f"{address}/runs/first", width=820)
        for kind in ("keyDown", "keyUp"):
            page.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        assert page.value("document.activeElement.innerText") == "Skip to the content"
        assert page.value("document.activeElement.getBoundingClientRect().left") >= 0


def test_a_user_logs_in_sees_the_page_that_was_asked_for_and_logs_out(page, file):
    with served(application(str(file), root_path="/tune")) as address:
        page.ask("Network.clearBrowserCookies")
        page.open(f"{address}/runs/first", width=390)
        assert page.value("document.title").startswith("Log in")
        page.value("document.getElementById('token').value = 'wrong'; document.forms[0].submit()")
        wait_for(page, "document.querySelector('[role=alert]') !== null")
        page.value(f"document.getElementById('token').value = '{TOKEN}'; document.forms[0].submit()")
        wait_for(page, "document.title.startsWith('first')")
        assert TOKEN not in page.value("location.href")
        assert page.value("document.cookie") == ""  # no script can read the session
        page.open(f"{address}/", width=390)
        page.value("document.querySelector('header form button').click()")
        wait_for(page, "document.title.startsWith('Log in')")
        page.open(f"{address}/runs/first", width=390)
        assert page.value("document.title").startswith("Log in")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_user_checks_starts_and_pauses_a_run_and_sees_it_in_the_queue(page, tmp_path, scripts):
    file = str(tmp_path / "runs.db")
    with opened(page, file) as address:

        def click(selector, title):
            page.ask("Emulation.setScriptExecutionDisabled", value=False)  # so that the page can be asked
            page.value(f"document.querySelector({selector!r}).click()")
            wait_for(page, f"document.title.startsWith({title!r}) && document.readyState === 'complete'")

        page.open(f"{address}/new", width=390, scripts=scripts)
        page.ask("Emulation.setScriptExecutionDisabled", value=False)
        page.value("document.querySelector('[name=name]').value = 'mine'")
        page.value("document.querySelector('[name=task]').value = 'rosenbrock'")
        page.value("document.querySelector('[name=preset]').value = 'quick'")
        page.value("document.querySelector('[name=generations]').value = '0'")
        click("button[value=check]", "New run")
        wait_for(page, "document.querySelector('#error-generations') !== null && document.readyState === 'complete'")
        page.value("document.querySelector('[name=generations]').value = '2'")
        click("button[value=check]", "New run")
        wait_for(page, "document.querySelector('section.card') !== null")
        # By hand: five optimizers, two generations of 16, and on fresh seeds twice 8 runs of LODO and twice one of each
        # of the others, of which nothing depends on the seed.
        assert "184 candidates, 36,800 gradient evaluations" in shown(page)
        click("button[value=submit]", "mine")
        wait_for(page, "document.querySelector('button[value=pause]') !== null")
        page.value("document.querySelector('button[value=pause]').click()")
        wait_for(page, "document.querySelector('button[value=resume]') !== null")
        page.open(f"{address}/queue", width=390)
        assert "pause requested" in shown(page)


def test_a_user_checks_and_starts_a_comparison_of_a_search_from_its_page(page, tmp_path):
    file = tmp_path / "runs.db"
    database(file)
    with opened(page, file) as address:

        def click(selector, title):
            page.value(f"document.querySelector({selector!r}).click()")
            wait_for(page, f"document.title.startsWith({title!r}) && document.readyState === 'complete'")

        page.open(f"{address}/runs/first", width=390)
        click("a[href*='/compare?search=']", "New comparison")
        page.value("document.querySelector('[name=name]').value = 'mine'")
        page.value("document.querySelector('[name=seeds]').value = '0'")
        page.value("document.querySelector('[name=sweep]').value = 'depth'")
        click("button[value=check]", "New comparison")
        loaded = "document.readyState === 'complete'"
        wait_for(page, f"document.getElementById('error-seeds') !== null && {loaded}")
        described = page.value("document.querySelector('[name=seeds]').getAttribute('aria-describedby')")
        assert described == "error-seeds"
        assert "greater than or equal to 1" in page.value("document.getElementById('error-seeds').innerText")
        page.value("document.querySelector('[name=seeds]').value = '3'")
        page.value("document.querySelector('[name=sweep]').value = ''")
        click("button[value=check]", "New comparison")
        wait_for(page, f"document.querySelector('section.card') !== null && {loaded}")
        assert "6 runs" in shown(page)  # of two optimizers on three seeds
        assert "lodo-tune compare --task rosenbrock --from first --seeds 3 --name mine" in shown(page)
        click("button[value=submit]", "mine")
        wait_for(page, "document.querySelector('button[value=pause]') !== null")
        assert "--seeds 3" in shown(page)
    page.open("about:blank", width=800)


def test_an_open_page_says_that_the_database_is_away_and_goes_on_when_it_is_back(page, tmp_path):
    file = str(tmp_path / "runs.db")
    with ServiceStore.open(file) as store, opened(page, file) as address:
        fill_queue(store)
        page.open(f"{address}/queue", width=390)
        page.value("window.mark = 1")  # lost if the page were loaded again
        wait_for(page, "document.getElementById('live').innerText.includes('live')")
        with mock.patch.object(ServiceStore, "_reading", side_effect=Unreachable("the server does not answer")):
            wait_for(page, "document.getElementById('live').innerText.includes('database unavailable')")
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(urllib.request.Request(f"{address}/queue", headers=BEARER), timeout=PATIENCE)
            assert (caught.value.code, caught.value.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
            assert "the server does not answer" in caught.value.read().decode()
            page.value("refresh()")  # which is refused now
            store.ask("waiting", Desired.CANCEL, by="ann")
        wait_for(page, "!document.querySelector('a[href$=\"/runs/waiting\"]')")
        wait_for(page, "document.getElementById('live').innerText.includes('live')")
        assert page.value("window.mark") == 1


def test_the_page_of_a_run_that_waits_becomes_that_of_its_studies_once_there_are_some(page, tmp_path):
    file = str(tmp_path / "runs.db")
    with ServiceStore.open(file) as store:
        fields = RunForm(task=["rosenbrock"]).fields()
        cost = Cost(studies=1, candidates=1, evaluations=1, width=1, rounds={})
        request, _ = store.submit("run", by="ann", fields=fields, cost=cost)
        with opened(page, file) as address:
            store.claim(request.id, store.start_driver(request.id, request.epoch, 1), this_process())
            page.open(f"{address}/runs/run", width=820)
            assert "Its driver starts Ray" in page.value("document.querySelector('main').innerText")
            wait_for(page, "document.getElementById('live').textContent === 'live'")
            driven(store, owner=ME, run="run")
            wait_for(page, "document.body !== null && document.body.innerText.includes('Best optimizer')")
            page.open("about:blank", width=800)


def test_the_queue_follows_what_changes(page, tmp_path):
    file = str(tmp_path / "runs.db")
    with ServiceStore.open(file) as store, opened(page, file) as address:
        fill_queue(store)
        page.open(f"{address}/queue", width=820)
        page.value("window.mark = 1")  # lost if the page were loaded again
        wait_for(page, "!document.getElementById('live').hidden")
        store.ask("waiting", Desired.CANCEL, by="ann")
        wait_for(page, "!document.querySelector('main').innerText.includes('waiting\\t')")
        wait_for(page, "!document.querySelector('a[href$=\"/runs/waiting\"]')")
        assert page.value("window.mark") == 1
