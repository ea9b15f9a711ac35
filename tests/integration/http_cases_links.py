"""Connections, time, cancelling, memory."""
import socket
import threading
import time

from http_kit import (MIB, SANITIZED, SECRET, Server, always, case, expect,
                      expect_between, get, redirect, reply, silent, wait_closed)


# Connections


@case
def a_connection_is_used_again():
    with Server(always(reply(b"hello"), keep=True)) as s:
        get("-r", 5, s.url()).all(5, 200, 5, "ok")
        expect("requests, connections", (len(s.heads), len(s.conns)), (5, 1))


@case
def two_requests_are_in_flight_together():
    both = threading.Barrier(2)

    def answer(conn, _path, _head):
        both.wait(5)
        conn.sendall(reply(b"x"))

    with Server(answer) as s:
        get("-j", 2, s.url(), s.url()).all(2, 200, 1, "ok")


@case
def connections_to_a_host_are_bounded_and_the_rest_waits():
    def answer(conn, _path, _head):
        time.sleep(0.1)
        conn.sendall(reply(b"x"))
        return True

    with Server(answer) as s:
        get("-j", 12, "-r", 12, s.url()).all(12, 200, 1, "ok")
        expect("at most together", s.most, 4)


@case
def who_waits_for_a_connection_has_a_deadline_too():
    with Server(silent) as s:
        r = get("-j", 6, "-r", 6, "-d", 700, s.url())
        r.all(6, 0, 0, "timeout", "127.0.0.1: no ")
        expect_between("seconds", 0.6, r.elapsed, 2.5)


@case
def a_refused_connection_is_told():
    with Server(None) as s:
        url = s.url()
    get(url).one(0, 0, "network",
                 "127.0.0.1: cannot connect: Connection refused")


@case
def a_name_that_does_not_resolve_is_told():
    get(f"http://nobody.invalid/?q={SECRET}").one(
        0, 0, "network", "nobody.invalid: name does not resolve")


@case
def a_silent_name_server_holds_nothing_up():
    url = f"http://slow.invalid/?q={SECRET}"
    r = get("-d", 500, url)
    r.one(0, 0, "timeout", "slow.invalid: no connection within 0.5 s")
    expect_between("deadline", 0.4, r.elapsed, 2.5)
    r = get("-x", 300, url)
    expect("cancel", r.out, "cancelled 1, active 0\n")
    expect_between("cancel", 0.2, r.elapsed, 2.5)


@case
def a_connection_that_is_not_accepted_times_out():
    with Server(None, backlog=0) as s:
        # The queue of a listener that accepts nothing takes one or two.
        fill = []
        for _ in range(3):
            c = socket.socket()
            c.setblocking(False)
            c.connect_ex(("127.0.0.1", s.port))
            fill.append(c)
        time.sleep(0.1)
        r = get(s.url(), CONNECT_TIMEOUT="1")
        for c in fill:
            c.close()
        r.one(0, 0, "timeout", "no connection within 1.")
        expect_between("seconds", 0.9, r.elapsed, 3)


# Time


@case
def silence_instead_of_an_answer_is_a_stall():
    with Server(silent) as s:
        r = get(s.url(), STALL_TIMEOUT="1")
        r.one(0, 0, "timeout", "127.0.0.1: no byte for 1.")
        expect_between("seconds", 0.9, r.elapsed, 3)


@case
def silence_after_much_of_the_body_is_a_stall_as_soon():
    def answer(conn, _path, _head):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n")
        conn.sendall(b"x" * 3000000)
        wait_closed(conn)

    with Server(answer) as s:
        r = get(s.url(), STALL_TIMEOUT="1")
        r.one(0, 0, "timeout", "no byte for 1.")
        expect_between("seconds", 0.9, r.elapsed, 3)


@case
def silence_inside_the_headers_is_a_stall():
    def answer(conn, _path, _head):
        conn.sendall(b"HTTP/1.1 200 OK\r\nX: 1\r\n")
        wait_closed(conn)

    with Server(answer) as s:
        get(s.url(), STALL_TIMEOUT="1").one(0, 0, "timeout", "no byte for 1.")


@case
def headers_that_come_slowly_are_no_stall():
    def answer(conn, _path, _head):
        conn.sendall(b"HTTP/1.1 200 OK\r\n")
        for i in range(5):
            time.sleep(0.35)
            conn.sendall(b"X-%d: 1\r\n" % i)
        conn.sendall(b"Content-Length: 0\r\n\r\n")

    with Server(answer) as s:
        get(s.url(), STALL_TIMEOUT="1").one(200, 0, "ok")


def trickle(conn, _path, _head):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(40):
        conn.sendall(b"x")
        time.sleep(0.25)


@case
def a_trickle_is_no_stall_but_ends_at_the_request_timeout():
    with Server(trickle) as s:
        r = get(s.url(), STALL_TIMEOUT="1", REQUEST_TIMEOUT="2")
        r.one(0, 0, "timeout", "no complete answer within 2.")
        expect_between("seconds", 1.9, r.elapsed, 4)


@case
def the_deadline_goes_before_the_request_timeout():
    with Server(trickle) as s:
        r = get("-d", 600, s.url())
        r.one(0, 0, "timeout", "no complete answer within 0.6 s")
        expect_between("seconds", 0.5, r.elapsed, 2)


@case
def redirects_do_not_prolong_the_deadline():
    def answer(conn, path, _head):
        time.sleep(0.3)
        conn.sendall(reply(status="302 Found",
                           headers=[f"Location: {path}x"]))
        return True

    with Server(answer) as s:
        r = get("-d", 700, s.url())
        r.one(0, 0, "timeout", "127.0.0.1: no complete answer within 0.7")
        expect_between("seconds", 0.6, r.elapsed, 2)


@case
def a_deadline_in_the_past_sends_nothing():
    with Server(always(reply(b"x"))) as s:
        get("-d", 0, s.url()).one(0, 0, "timeout", "no time left")
        expect("connections", len(s.conns), 0)


# Cancelling


@case
def a_request_in_flight_can_be_cancelled():
    with Server(silent) as s:
        r = get("-j", 3, "-r", 3, "-x", 300, s.url())
        expect("out", r.out, "cancelled 3, active 0\n")
        expect_between("seconds", 0.2, r.elapsed, 2)


@case
def a_callback_can_cancel_the_others():
    ready = threading.Barrier(3)

    def answer(conn, path, _head):
        ready.wait(5)
        if path == "/fast":
            conn.sendall(reply(b"x"))
        else:
            wait_closed(conn)

    with Server(answer) as s:
        r = get("-j", 3, "-k", s.url("/slow"), s.url("/fast"),
                s.url("/slow"))
        expect("out", r.out, "200 1 ok\ncancelled 2, active 0\n")


@case
def a_callback_can_cancel_what_has_ended_unseen():
    with Server(always(reply(b"x"))) as s:
        for _ in range(5):
            r = get("-j", 4, "-k", "-r", 4, s.url())
            expect("out", r.out, "200 1 ok\ncancelled 3, active 0\n")


# Memory


@case
def a_hundred_answers_leave_nothing_behind():
    body = b"x" * MIB
    with Server(always(reply(body), keep=True)) as s:
        r = get("-m", "-r", 100, s.url())
        r.all(100, 200, MIB, "ok")
        expect("connections", len(s.conns), 1)
        if not SANITIZED:
            expect_between("peak MiB", 1, r.peak_mib, 24)


@case
def a_hundred_failures_leave_nothing_behind():
    def answer(conn, path, _head):
        if path == "/cut":
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
        elif path == "/away":
            conn.sendall(redirect("http://other.invalid/"))
        else:
            conn.sendall(redirect("/loop"))
            return True

    with Server(answer) as s:
        r = get("-r", 34, "-j", 3, s.url("/cut"), s.url("/away"),
                s.url("/loop"))
        expect("lines", len(r.rows), 102)
        expect("outcomes", {row[2] for row in r.rows},
               {"network", "blocked", "upstream"})
