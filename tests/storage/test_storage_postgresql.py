"""PostgreSQL: lost connections, roles, foreign tables and locks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from tests.support.losing_proxy import LosingProxy
from tests.support.pooler import Pooler
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import assert_one_line, driven, evaluation, key, keys
from tuner.core.trial import Status
from tuner.storage import (
    Locked,
    NoDatabase,
    NotAdmitted,
    NotOurs,
    StorageError,
    Store,
    Unreachable,
    Unwritable,
    database_errors,
    urls,
)
from tuner.storage.engines import make_engine

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]


@pytest.mark.postgresql
def test_a_write_during_an_outage_raises_unreachable_and_succeeds_after_a_restart(postgresql_server: Server) -> None:
    server = postgresql_server
    with Store.open(server.url(server.create_database())) as store:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key(0))])
        server.kill()
        try:
            with pytest.raises(Unreachable, match=r"cannot be reached\. Try again") as caught:
                store.record(study, epoch, [evaluation(key(1))])
            assert caught.value.exit_code == 75
            assert_one_line(caught.value)
        finally:
            server.start()
        assert store.record(study, epoch, [evaluation(key(0)), evaluation(key(1))]) == [False, True]


@pytest.mark.postgresql
def test_terminated_connections_are_replaced_and_their_transactions_rolled_back(postgresql_server: Server) -> None:
    server, name = postgresql_server, postgresql_server.create_database()
    terminate = (
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    )
    with Store.open(server.url(name)) as store:
        study, epoch = driven(store, add=keys())
        server.execute(name, terminate)
        store.record(study, epoch, [evaluation(key(0))])  # the connection was idle, so nothing was lost

        def write_to_a_terminated_connection() -> None:
            with store._writing() as connection:
                connection.exec_driver_sql("UPDATE candidates SET status = 'failed'")
                server.execute(name, terminate)
                connection.exec_driver_sql("SELECT 1")

        with pytest.raises(Unreachable):
            write_to_a_terminated_connection()
        assert [row.status for row in store.candidates(study)][:2] == [Status.FINISHED, Status.WAITING]


@pytest.mark.postgresql
def test_a_role_with_read_permission_can_read_but_not_write(postgresql_server: Server) -> None:
    server, name = postgresql_server, postgresql_server.create_database()
    with Store.open(server.url(name)) as store:
        study, epoch = driven(store, add=keys())
    server.execute(name, "CREATE ROLE reader LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    with Store.open(server.url(name, "reader"), read_only=True) as reader:
        assert len(reader.candidates(study)) == 6
    with Store.open(server.url(name, "reader")) as reader:
        with pytest.raises(Unwritable, match="does not allow this role") as caught:
            reader.record(study, epoch, [evaluation(key())])
        assert_one_line(caught.value)
    with Store.open(server.url(name), read_only=True) as reader, pytest.raises(Unwritable, match="is read-only"):
        reader.add_note(study, epoch, "note")


@pytest.mark.postgresql
@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_with_tables_of_another_program_is_refused(postgresql_server: Server, read_only: bool) -> None:
    server, name = postgresql_server, postgresql_server.create_database()
    server.execute(name, "CREATE TABLE alembic_version (version_num TEXT)", "CREATE TABLE studies (id INTEGER)")
    with pytest.raises(NotOurs, match=r"tables of another program \(alembic_version, studies\)"):
        Store.open(server.url(name), read_only=read_only)


@pytest.mark.postgresql
def test_reading_an_empty_or_missing_database_on_a_server_is_refused(postgresql_server: Server) -> None:
    server, name = postgresql_server, postgresql_server.create_database()
    with pytest.raises(NoDatabase, match="empty"):
        Store.open(server.url(name), read_only=True)
    with pytest.raises(NoDatabase, match=r"none does not exist on the server\. Create it there") as caught:
        Store.open(server.url("none"), read_only=True)
    assert_one_line(caught.value)


@pytest.mark.postgresql
def test_an_authentication_failure_is_not_retried_as_an_outage(postgresql_server: Server) -> None:
    server, name = postgresql_server, postgresql_server.create_database()
    with pytest.raises(NotAdmitted, match="refused this user name and password") as caught:
        Store.open(server.url(name, "stranger"), patience=60.0)
    assert caught.value.exit_code == 2
    assert_one_line(caught.value)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('FATAL:  password authentication failed for user "lodo"', NotAdmitted),
        ("fe_sendauth: no password supplied", NotAdmitted),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', NotAdmitted),
        ("FATAL:  the database system is starting up", Unreachable),
        ("connection refused", Unreachable),
    ],
)
def test_a_failed_connection_is_classified_as_outage_or_authentication_failure(
    message: str, kind: type[StorageError]
) -> None:
    class OperationalError(Exception):
        """As psycopg raises it before there is a connection: without an SQLSTATE."""

    error = DBAPIError("connect", None, OperationalError(message))
    assert type(database_errors.translate(error, urls.parse("postgresql://lodo@h/d"), 1.0)) is kind


@pytest.mark.postgresql
def test_a_row_locked_by_another_session_raises_locked_after_the_timeout(postgresql_server: Server) -> None:
    server = postgresql_server
    url = server.url(server.create_database())
    with Store.open(url) as first, Store.open(url, busy_timeout=0.2) as second:
        study, epoch = driven(first, add=keys())
        with first._writing() as connection:
            connection.exec_driver_sql("SELECT 1 FROM studies FOR UPDATE")
            with pytest.raises(Locked, match=r"waited 0\.2 s"):
                second.record(study, epoch, [evaluation(key())])
            assert len(second.candidates(study)) == 6
        assert second.record(study, epoch, [evaluation(key())]) == [True]


@pytest.mark.postgresql
def test_repeating_a_write_whose_commit_reply_was_lost_changes_nothing(postgresql_server: Server) -> None:
    server, name = postgresql_server, postgresql_server.create_database()
    with LosingProxy(server.port) as proxy:
        url = server.url(name).replace(f":{server.port}/", f":{proxy.port}/")
        with Store.open(url) as store:
            study, epoch = driven(store, add=keys())
            for each in keys()[:3]:
                proxy.lose_next_commit()
                with pytest.raises(Unreachable):
                    store.record(study, epoch, [evaluation(each)])
                assert store.record(study, epoch, [evaluation(each)]) == [False]  # it was written
            assert proxy.lost == 3
            assert store.studies()[0].counts[Status.FINISHED] == 3
            report = store.check()
            assert (report.results, report.faults) == (3, ())


def test_log_messages_of_psycopg_are_not_printed() -> None:
    """An example is the warning about a pipeline that was interrupted."""
    pytest.importorskip("psycopg")
    script = (
        "import logging\nfrom tuner.storage import engines, urls\n"
        "engines.make_engine(urls.parse('postgresql://lodo@h/d'), read_only=True, busy_timeout=1.0)\n"
        "logging.getLogger('psycopg').warning('error ignored terminating a pipeline')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.postgresql
def test_a_pooler_that_refuses_settings_at_the_start_is_used_like_the_server(postgresql_server: Server) -> None:
    server, name = postgresql_server, postgresql_server.create_database()
    with Pooler(server.port) as pooler:
        url = f"postgresql://lodo@127.0.0.1:{pooler.port}/{name}"
        with Store.open(url, busy_timeout=0.3) as store:
            study, epoch = driven(store, add=keys())
            store.record(study, epoch, [evaluation(key(0))])
            with psycopg.connect(server.url(name)) as other:
                other.execute("LOCK TABLE candidates IN ACCESS EXCLUSIVE MODE")
                with pytest.raises(Locked, match=r"waited 0\.3 s"):  # the time limit for locks is in force
                    store.record(study, epoch, [evaluation(key(1))])
        with Store.open(url, read_only=True) as store, pytest.raises(Unwritable, match="is read-only"):
            store.delete(study)
        assert pooler.connections >= 2
        with pytest.raises(NotAdmitted, match="refused an option of the URL, as poolers such as PgBouncer do"):
            Store.open(f"{url}?options=-c%20work_mem%3D8MB")


@pytest.mark.postgresql
def test_no_setting_outlives_a_transaction_for_the_next_client_of_a_pooled_connection(
    postgresql_server: Server,
) -> None:
    engine = make_engine(
        urls.parse(postgresql_server.url(postgresql_server.create_database())), read_only=True, busy_timeout=0.3
    )
    shown = "SELECT current_setting('lock_timeout') || ' ' || current_setting('transaction_read_only')"
    with engine.connect() as connection:
        assert connection.exec_driver_sql(shown).scalar() == "300ms on"
        connection.rollback()
        driver = connection.connection.driver_connection
        assert driver.execute(shown).fetchone() == ("0 off",)  # the server's own
    engine.dispose()


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "options",
    [
        "-c extra_float_digits=-15",  # numbers are read with one digit
        "-c search_path=nowhere",
        "-c default_transaction_read_only=on",
        "-c statement_timeout=1",
        "-c bytea_output=escape",
        "-c no.such_setting",  # the server refuses the connection
    ],
)
def test_pgoptions_for_other_programs_change_nothing(
    postgresql_server: Server, monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    url = postgresql_server.url(postgresql_server.create_database())

    def recorded() -> str:
        with Store.open(url) as store:
            (study,) = store.studies()
            return f"{store.candidates(study.id)} {store.curve(study.id, key(0)).tolist()}"

    with Store.open(url) as store:
        study, epoch = driven(store, add=keys())
    expected = recorded()
    monkeypatch.setenv("PGOPTIONS", options)
    with Store.open(url) as store:
        store.record(study, epoch, [evaluation(key(0))])
    found = recorded()
    monkeypatch.delenv("PGOPTIONS")
    assert found == recorded() != expected


@pytest.mark.postgresql
def test_options_of_the_url_are_used(postgresql_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c application_name=of-the-variable")
    url = postgresql_server.url(postgresql_server.create_database()) + "?options=-c%20TimeZone%3DAsia/Tokyo"
    engine = make_engine(urls.parse(url), read_only=False, busy_timeout=1)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW TimeZone").scalar() == "Asia/Tokyo"
    engine.dispose()
