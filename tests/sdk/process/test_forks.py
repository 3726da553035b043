"""R22 of the faults: forks after import and after use, many threads, the interpreter's exit."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from splitrun.sdk.client import Client
from splitrun.sdk.event import Event, Exposure
from tests.sdk.server import Server, serving
from tests.sdk.shop import document, eventually, shop
from tests.sdk.test_client import Kept

ROOT = Path(__file__).parents[2].parent
HEAD = """
import os, sys, threading, time
from splitrun import Client
url = sys.argv[1]
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        server.publish(document(3))
        yield server


def run(program: str, server: Server, *, seconds: float = 20.0) -> str:
    """Run a program of a product in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + textwrap.dedent(program), server.url],
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def names(server: Server) -> list[str]:
    return sorted(event.name for event in server.events if isinstance(event, Event))


def test_a_child_answers_and_sends_its_own_events_and_not_its_parents(server: Server) -> None:
    server.intake = lambda: (503, {}, b"")
    program = """
        client = Client(url, key="k", wait=5.0, interval=0.05)
        client.track("parent", "u1")
        client.variant("checkout", "u1")
        time.sleep(0.3)     # the event is in the sender's hands by now
        children = []
        for number in range(4):
            child = os.fork()
            if not child:
                assert client.variant("checkout", "u1") == "one-page"
                assert client.statistics.made == 0
                client.track(f"child {number}", "u1")
                os._exit(0 if client.flush(5) else 1)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
        assert client.flush(5)
        print(client.statistics.sent)
    """
    opened = threading.Timer(0.6, lambda: setattr(server, "intake", None))
    opened.start()

    try:
        said = run(
            program.replace("client.flush(5)", "any(client.flush(5) or time.sleep(0.2) for _ in range(20))"),
            server,
        )
    finally:
        opened.cancel()

    assert said.strip() == "2"
    assert names(server) == ["child 0", "child 1", "child 2", "child 3", "parent"]
    assert len([event for event in server.events if isinstance(event, Exposure)]) == 1
    prefixes = {event.id[:16] for event in server.events}
    assert len(prefixes) == 5
    assert len({event.id for event in server.events}) == 6


def test_a_fork_right_after_the_client_was_made_does_not_hang(server: Server) -> None:
    program = """
        client = Client(url, wait=0.0)      # its threads are loading the HTTP library now
        for _ in range(5):
            child = os.fork()
            if not child:
                client.track("child", "u1")
                os._exit(0 if client.flush(10) else 1)
            assert os.waitpid(child, 0)[1] == 0
        print(client.status)
    """
    run(program, server, seconds=40)

    assert names(server) == ["child"] * 5


@pytest.mark.parametrize(
    "ask",
    [
        'evaluate("checkout", "u1")',
        'parameters("list", "u1")',
        'explain("checkout", "u1")',
        'track("view", "u1")',
        'alias("v1", "u1")',
        'trigger("checkout", "u1")',
    ],
)
def test_a_child_that_asks_or_logs_in_any_way_keeps_its_ruleset_fresh(server: Server, ask: str) -> None:
    program = f"""
        client = Client(url, wait=5.0, poll=0.05, push=False)
        child = os.fork()
        if not child:
            for _ in range(400):
                client.{ask}
                if client.ruleset.version == 4:
                    os._exit(0)
                time.sleep(0.01)
            os._exit(1)
        print(os.waitpid(child, 0)[1])
    """
    threading.Timer(0.5, lambda: server.publish(document(4))).start()

    assert run(program, server).strip() == "0"


@pytest.mark.parametrize("ask", ['variant("checkout", "u1")', 'track("view", "u1")'])
def test_a_child_of_a_child_watches_its_ruleset_once_and_ends_it(server: Server, ask: str) -> None:
    program = f"""
        client = Client(url, wait=5.0, poll=0.05, push=False)
        for _ in range(3):
            child = os.fork()
            if child:
                os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        for _ in range(2):
            client.{ask}
        time.sleep(0.2)
        watching = [one.name for one in threading.enumerate()].count("splitrun-ruleset")
        client.close()
        left = [one.name for one in threading.enumerate() if one.name.startswith("splitrun")]
        print(watching, left, flush=True)
    """

    assert run(program, server).strip() == "1 []"


def exposed(server: Server) -> list[str]:
    return sorted(event.unit.id for event in server.events if isinstance(event, Exposure))


@pytest.mark.parametrize("remember", [2, 100_000])
def test_what_waits_in_the_parent_is_not_logged_again_in_the_child(server: Server, remember: int) -> None:
    program = f"""
        client = Client(url, wait=5.0, push=False, interval=60, remember={remember})
        client.track("warm", "u0")
        client.flush(5)
        for number in range(500):
            client.variant("checkout", f"u{{number}}")
        child = os.fork()
        for number in range(500 if child else 600):
            client.variant("checkout", f"u{{number}}")
        client.flush(8)
        if child:
            os.waitpid(child, 0)
        else:
            os._exit(0)
    """
    run(program, server)

    assert exposed(server) == sorted(f"u{number}" for number in range(600))


def test_who_left_before_a_fork_and_comes_back_in_the_child_is_exposed_again(server: Server) -> None:
    program = """
        client = Client(url, wait=5.0, push=False, interval=60)
        client.variant("checkout", "u1")
        client.flush(5)
        client.consent("u1", "denied")
        child = os.fork()
        if not child:
            client.consent("u1", "granted")
            client.variant("checkout", "u1")
        client.flush(5)
        if child:
            os.waitpid(child, 0)
        else:
            os._exit(0)
    """
    run(program, server)

    assert exposed(server) == ["-", "u1", "u1"]


def test_a_fork_while_other_threads_answer_and_record_leaves_no_lock_behind(server: Server) -> None:
    program = """
        client = Client(url, wait=5.0, interval=0.01, queue=1_000_000, queue_bytes=1_000_000_000)
        stop = False
        def work(number):
            count = 0
            while not stop:
                count += 1
                client.variant("checkout", f"{number}-{count}")
                client.track("view", f"{number}-{count}", text="x" * (count % 600))
                time.sleep(0.001)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads: thread.start()
        for _ in range(15):
            child = os.fork()
            if not child:
                client.track("child", "u1", text="x" * 500)
                client.consent("u1", "granted")
                assert client.variant("checkout", "u1") == "one-page"
                os._exit(0 if client.flush(10) else 1)
            assert os.waitpid(child, 0)[1] == 0
        stop = True
        for thread in threads: thread.join()
        statistics = client.statistics
        assert statistics.blunders == 0, client.trouble
    """
    run(program, server, seconds=60)

    assert names(server).count("child") == 15


def test_the_way_out_sends_what_there_is_and_takes_two_seconds_at_most(server: Server) -> None:
    run('client = Client(url)\nclient.track("last", "u1")\n', server)
    assert names(server) == ["last"]

    server.delay = 60.0
    began = time.monotonic()
    run('client = Client(url, wait=0.0)\nclient.track("late", "u1")\n', server)
    assert time.monotonic() - began < 2.0 + 2.0  # and what an interpreter takes to start on a busy machine


def test_the_way_out_does_not_wait_for_a_server_that_refuses(server: Server) -> None:
    server.intake = lambda: (503, {}, b"")
    program = """
        client = Client(url, wait=5.0)
        client.track("lost", "u1")
        began = time.monotonic()
        import atexit
        atexit.register(lambda: None)
        client.flush(2.0)
        print(time.monotonic() - began)
    """

    assert float(run(program, server)) < 1.5


def test_sixty_four_threads_lose_nothing_and_log_every_exposure_once() -> None:
    kept = Kept()
    client = Client(ruleset=shop(), delivery=kept, queue=100_000, queue_bytes=10**9)
    wrong: list[str] = []
    start = threading.Barrier(64)

    def work(number: int) -> None:
        start.wait()
        for count in range(100):
            if client.variant("checkout", "u1") != "one-page":
                wrong.append("u1")
            client.variant("checkout", f"shared-{count}")
            client.track("view", f"{number}-{count}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert client.flush(20)
    assert wrong == []
    assert len(kept.of(Event)) == 6_400
    met = [event.unit.id for event in kept.events if isinstance(event, Exposure)]
    assert len(met) == len(set(met)) == 101
    assert len({event.id for event in kept.events}) == 6_501
    statistics = client.statistics
    assert (statistics.made, statistics.sent, statistics.dropped) == (6_501, 6_501, 0)
    client.close()


def test_a_delivery_that_raises_does_not_end_the_thread() -> None:
    class Broken(Kept):
        def send(self, body: bytes, /) -> object:  # type: ignore[override] # it is broken
            raise ZeroDivisionError(body)

    client = Client(ruleset=shop(), delivery=Broken())  # type: ignore[arg-type] # as above
    client.track("view", "u1")

    assert eventually(lambda: client.statistics.retried)
    assert client.statistics.queued == 1
    assert any(thread.name == "splitrun-sender" and thread.is_alive() for thread in threading.enumerate())
    client.close(0.1)


def test_importing_a_client_loads_no_network_no_logging_and_no_loop() -> None:
    heavy = (
        "urllib3",
        "ssl",
        "http.client",
        "logging",
        "asyncio",
        "sqlite3",
        "socket",
        "numpy",
        "pydantic",
        "pathlib",
    )
    program = (
        f"import sys\nfrom splitrun import Client\nprint([each for each in {heavy!r} if each in sys.modules])"
    )

    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout.strip() == "[]"
