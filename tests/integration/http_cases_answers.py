"""Answers: bodies, headers, and what is neither."""
import gzip
import re
import socket
import struct
import time

from http_kit import (MIB, SANITIZED, Server, always, case, expect,
                      expect_between, expect_in, get, reply, wait_closed)

PAGE = b"stable tables.." * 1000
BROTLI = bytes.fromhex("1b973a00245d40e66a91cf7238287f7548066000")  # of PAGE


# Bodies


@case
def a_gzip_body_arrives_decoded():
    with Server(always(reply(gzip.compress(PAGE),
                             headers=["Content-Encoding: gzip"]))) as s:
        r = get("-p", s.url())
        expect("head", r.rows[0][:3], ["200", "15000", "ok"])
        expect("body", r.out.split("\n", 1)[1].encode(), PAGE + b"\n")
        expect_in("request", s.heads[0], b"gzip")


@case
def a_brotli_body_arrives_decoded():
    with Server(always(reply(BROTLI, headers=["Content-Encoding: br"]))) as s:
        r = get("-p", s.url())
        expect("out", r.out, f"200 15000 ok\n{PAGE.decode()}\n")
        expect_in("request", s.heads[0], b"br")


@case
def a_body_of_exactly_the_ceiling_is_taken():
    body = gzip.compress(bytes(8 * MIB))
    with Server(always(reply(body, headers=["Content-Encoding: gzip"]))) as s:
        get(s.url()).one(200, 8 * MIB, "ok")


@case
def a_gzip_bomb_is_not_unpacked():
    bomb = gzip.compress(bytes(8 * MIB + 1))
    with Server(always(reply(bomb, headers=["Content-Encoding: gzip"]))) as s:
        get(s.url()).one(0, 0, "unreadable", "answer larger than 8 MiB")


@case
def a_bomb_in_a_bomb_is_not_unpacked():
    bomb = gzip.compress(gzip.compress(bytes(64 * MIB)))
    with Server(always(reply(
            bomb, headers=["Content-Encoding: gzip, gzip"]))) as s:
        r = get("-m", s.url())
        r.one(0, 0, "unreadable", "answer larger than 8 MiB")
        if not SANITIZED:
            expect_between("peak MiB", 1, r.peak_mib, 32)


@case
def a_large_content_length_is_refused_at_once():
    def answer(conn, _path, _head):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8388609\r\n\r\n")
        wait_closed(conn)

    with Server(answer) as s:
        r = get(s.url())
        r.one(0, 0, "unreadable", "answer larger than 8 MiB")
        expect_between("seconds", 0, r.elapsed, 3)


@case
def an_endless_body_is_broken_off():
    def answer(conn, _path, _head):
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1000):
            conn.sendall(bytes(MIB))

    with Server(answer) as s:
        get(s.url()).one(0, 0, "unreadable", "answer larger than 8 MiB")
        time.sleep(0.2)
        expect("broken off", s.aborted, 1)


@case
def a_broken_gzip_body_is_unreadable():
    bad = b"\x1f\x8b\x08\x00" + b"this is no gzip at all"
    with Server(always(reply(bad, headers=["Content-Encoding: gzip"]))) as s:
        get(s.url()).one(0, 0, "unreadable", "bad content encoding")


@case
def an_unknown_encoding_is_unreadable():
    with Server(always(reply(b"x", headers=["Content-Encoding: rot"]))) as s:
        get(s.url()).one(0, 0, "unreadable", "bad content encoding")


@case
def a_short_body_is_cut_off():
    def answer(conn, _path, _head):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with Server(answer) as s:
        get(s.url()).one(0, 0, "network", "127.0.0.1: answer cut off")


@case
def a_chunked_body_without_its_end_is_cut_off():
    def answer(conn, _path, _head):
        conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     b"5\r\nhello\r\n")

    with Server(answer) as s:
        get(s.url()).one(0, 0, "network", "answer cut off")


@case
def a_body_without_a_length_ends_with_the_connection():
    with Server(always(b"HTTP/1.0 200 OK\r\n\r\nhello")) as s:
        get(s.url()).one(200, 5, "ok")


@case
def a_reset_is_told():
    def answer(conn, _path, _head):
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))

    with Server(answer) as s:
        get(s.url()).one(0, 0, "network", "127.0.0.1: connection broken")


@case
def an_empty_reply_is_told():
    with Server(always(b"")) as s:
        get(s.url()).one(0, 0, "network",
                         "127.0.0.1: connection closed without an answer")


@case
def headers_alone_leave_the_body_unread():
    def answer(conn, _path, _head):
        conn.sendall(b"HTTP/1.1 404 Not Found\r\nSet-Cookie: A3=1; Path=/\r\n"
                     b"Set-Cookie: A1=2\r\nContent-Length: 900000000\r\n\r\n")
        wait_closed(conn)

    with Server(answer) as s:
        r = get("-H", "-g", "set-cookie", s.url())
        expect("out", r.out, "404 0 ok [A3=1; Path=/] [A1=2]\n")
        expect_between("seconds", 0, r.elapsed, 3)


@case
def headers_alone_of_an_answer_without_a_body():
    with Server(always(b"HTTP/1.1 100 Continue\r\n\r\n" +
                       reply(status="204 No Content"))) as s:
        get("-H", s.url()).one(204, 0, "ok")


# Headers


@case
def what_we_say_of_ourselves_is_sent():
    with Server(always(reply())) as s:
        get("-c", "A3=x", "-a", "text/html", s.url())
        get(s.url(), USER_AGENT="probe/1")
        head = s.heads[0].decode()
        expect_in("head", head, "\r\nUser-Agent: Mozilla/5.0 (compatible; "
                  "stocknity-data/")
        expect_in("head", head, "\r\nAccept: text/html\r\n")
        expect_in("head", head, "\r\nAccept-Language: en-US,en;q=0.9\r\n")
        expect_in("head", head, "\r\nCookie: A3=x\r\n")
        head = s.heads[1].decode()
        expect_in("head", head, "\r\nUser-Agent: probe/1\r\n")
        expect_in("head", head, "\r\nAccept: */*\r\n")
        expect("a cookie unasked", "Cookie:" in head, False)


@case
def nothing_of_a_request_is_left_for_the_next():
    with Server(always(reply(), keep=True)) as s:
        get("-c", "A3=x", "-r", 2, s.url())
        expect("cookies", [h.count(b"Cookie: A3=x\r\n") for h in s.heads],
               [1, 0])


@case
def a_cookie_cannot_bring_a_header_of_its_own():
    with Server(always(reply())) as s:
        get("-c", "A=1\r\nX-Evil: 1", s.url()).one(
            0, 0, "invalid", "control character")
        get("-a", "x\ny", s.url()).one(0, 0, "invalid", "control character")
        expect("requests", len(s.heads), 0)


@case
def control_bytes_in_a_header_become_blanks():
    with Server(always(b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\x01c\t\r\n"
                       b"Content-Length: 0\r\n\r\n")) as s:
        r = get("-g", "X", s.url())
        expect("out", r.out, "200 0 ok [a Set-Cookie: b c]\n")


@case
def a_nul_in_a_header_is_malformed():
    with Server(always(b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n")) as s:
        get(s.url()).one(0, 0, "unreadable", "malformed answer")


@case
def large_headers_as_yahoo_sends_them_are_read():
    lines = ["X-Big: " + "b" * 20000] + [f"X-{i}: " + "c" * 2000
                                         for i in range(10)]
    with Server(always(reply(b"x", headers=lines + ["Last: 1"]))) as s:
        r = get("-g", "Last", s.url())
        expect("out", r.out, "200 1 ok [1]\n")


@case
def headers_beyond_what_we_keep_do_not_harm_the_answer():
    lines = [f"X-{i}: " + "c" * 2000 for i in range(40)]
    with Server(always(reply(b"x", headers=["First: 1"] + lines))) as s:
        r = get("-g", "First", s.url())
        expect("out", r.out, "200 1 ok [1]\n")


@case
def endless_headers_are_refused():
    def answer(conn, _path, _head):
        conn.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(10000):
            conn.sendall(b"X: " + b"y" * 1000 + b"\r\n")

    with Server(answer) as s:
        get(s.url()).one(0, 0, "unreadable", "headers larger than 256 KiB")


@case
def endless_provisional_answers_are_refused():
    def answer(conn, _path, _head):
        for _ in range(100000):
            conn.sendall(b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 100)

    with Server(answer) as s:
        get(s.url()).one(0, 0, "unreadable", "headers larger than 256 KiB")


@case
def a_header_line_without_end_is_refused():
    with Server(always(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200000)) as s:
        get(s.url()).one(0, 0, "unreadable", "header line too long")


@case
def trailers_are_no_headers():
    with Server(always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                       b"Trailer: Retry-After\r\n\r\n2\r\nhi\r\n0\r\n"
                       b"Retry-After: 9\r\n\r\n")) as s:
        r = get("-g", "Retry-After", s.url())
        expect("out", r.out, "200 2 ok\n")


@case
def retry_after_is_read():
    at = time.strftime("%a, %d %b %Y %H:%M:%S GMT",
                       time.gmtime(time.time() + 100))
    with Server(always(reply(status="429 Too Many Requests",
                             headers=["retry-after: 7"]))) as s:
        expect("out", get(s.url()).out, "429 0 ok retry-after=7000\n")
    with Server(always(reply(status="503 Later",
                             headers=[f"Retry-After: {at}"]))) as s:
        found = re.fullmatch(r"503 0 ok retry-after=(\d+)\n", get(s.url()).out)
        expect_between("ms", 90000, int(found[1]), 100000)


# Odd answers


@case
def status_999_is_an_answer():
    with Server(always(reply(b"no", "999 Request denied"))) as s:
        get(s.url()).one(999, 2, "ok")


@case
def provisional_answers_are_passed_over():
    with Server(always(b"HTTP/1.1 100 Continue\r\n\r\n"
                       b"HTTP/1.1 103 Early Hints\r\nX: early\r\n\r\n" +
                       reply(b"x", headers=["X: late"]))) as s:
        r = get("-g", "X", s.url())
        expect("out", r.out, "200 1 ok [late]\n")


@case
def what_is_not_http_is_unreadable():
    for data in (b"SSH-2.0-OpenSSH_9.2\r\n", b"<html>hello</html>\n" * 9):
        with Server(always(data)) as s:
            get(s.url()).one(0, 0, "unreadable", "not an HTTP answer")


@case
def an_answer_without_a_body_keeps_the_connection():
    with Server(always(b"HTTP/1.1 304 Not Modified\r\n\r\n", keep=True)) as s:
        get("-r", 3, s.url()).all(3, 304, 0, "ok")
        expect("connections", len(s.conns), 1)


@case
def addresses_that_are_none_are_refused():
    for url in ("ftp://127.0.0.1/x", "127.0.0.1", "http://", "http://a b/",
                "http://127.0.0.1/\r\nX: y", "file:///etc/passwd", ""):
        get(url).one(0, 0, "configuration", "not an http")
