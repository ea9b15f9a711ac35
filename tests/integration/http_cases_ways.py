"""Ways to an answer: redirects, proxies, TLS, HTTP/2."""
import re
import socket
import ssl
import threading

from http_kit import (MIB, SECRET, Nginx, Server, always, case, cert, expect,
                      expect_in, get, redirect, reply, server_tls)


# Redirects


@case
def a_redirect_on_the_host_is_followed_with_the_cookie():
    def answer(conn, path, head):
        conn.sendall({
            "/": redirect("/one"),
            "/one": redirect("two", "301 Moved Permanently"),
            "/two": redirect(f"http://127.0.0.1:{s.port}/three?x=1#top",
                             "307 Temporary Redirect"),
            "/three": reply(b"here", headers=["X: last"]),
        }[path])
        return True

    with Server(answer) as s:
        r = get("-c", "A3=d; B=1", "-g", "X", s.url())
        expect("out", r.out, "200 4 ok [last]\n")
        expect("hops, connections", (len(s.heads), len(s.conns)), (4, 1))
        for head in s.heads:
            expect_in("cookie", head, b"\r\nCookie: A3=d; B=1\r\n")


@case
def headers_alone_are_those_behind_a_redirect():
    def answer(conn, path, _head):
        conn.sendall(redirect("/there") if path == "/" else
                     reply(b"x", headers=["Set-Cookie: A=1"]))
        return True

    with Server(answer) as s:
        r = get("-H", "-g", "Set-Cookie", s.url())
        expect("out", r.out, "200 0 ok [A=1]\n")


@case
def a_redirect_to_another_host_is_not_followed():
    with Server(always(reply(b"x"))) as other:
        with Server(always(redirect(other.url("/consent", "localhost")))) as s:
            r = get("-c", "A=1", s.url())
            r.one(0, 0, "blocked", "127.0.0.1: redirected to another host: "
                  "localhost")
            if "consent" in r.out:
                raise AssertionError("the path is quoted")
        expect("connections to it", len(other.conns), 0)


@case
def a_redirect_to_another_port_is_not_followed():
    with Server(always(reply(b"x"))) as other:
        with Server(always(redirect(other.url()))) as s:
            get(s.url()).one(0, 0, "blocked", "redirected to another port: "
                             f"{other.port}")
        expect("connections to it", len(other.conns), 0)


@case
def a_redirect_out_of_tls_is_not_followed():
    with Server(always(redirect("http://127.0.0.1/")), tls=server_tls()) as s:
        get(s.url(), CURL_CA_BUNDLE=cert()).one(
            0, 0, "blocked", "redirected from https to http")


@case
def a_redirect_to_a_file_is_not_followed():
    with Server(always(redirect("file:///etc/passwd"))) as s:
        get(s.url()).one(0, 0, "blocked",
                         "redirected to another scheme: file")


@case
def a_redirect_loop_ends():
    with Server(always(redirect("/"), keep=True)) as s:
        get(s.url()).one(0, 0, "upstream", "127.0.0.1: more than 5 redirects")
        expect("requests", len(s.heads), 6)


@case
def five_redirects_are_followed():
    def answer(conn, path, _head):
        conn.sendall(reply(b"x") if len(path) == 6 else redirect(path + "a"))
        return True

    with Server(answer) as s:
        get(s.url()).one(200, 1, "ok")


@case
def a_redirect_without_a_location_is_an_answer():
    with Server(always(reply(b"x", "302 Found"))) as s:
        get(s.url()).one(302, 1, "ok")


@case
def a_redirect_to_nonsense_is_told():
    with Server(always(redirect("http://[bad/"))) as s:
        get(s.url()).one(0, 0, "upstream",
                         "redirected to an unreadable address")


@case
def a_redirect_too_long_is_told():
    for location in ("/" + "x" * 4090, "http://127.0.0.1:{}/" + "x" * 5000):
        def answer(conn, path, _head):
            conn.sendall(redirect(location.format(s.port)) if path == "/"
                         else reply(b"followed"))

        with Server(answer) as s:
            get(s.url()).one(0, 0, "upstream",
                             "127.0.0.1: redirected to an address too long")


# Proxies


@case
def http_proxy_is_obeyed():
    with Server(always(reply(b"by proxy"))) as s:
        proxy = f"http://127.0.0.1:{s.port}"
        get(f"http://finviz.invalid/x?q={SECRET}", http_proxy=proxy).one(
            200, 8, "ok")
        expect_in("request", s.heads[0], b"GET http://finviz.invalid/x?q=")


def tunnel(conn, _path, head):
    """A proxy's CONNECT, whatever name is asked for."""
    port = int(re.match(rb"CONNECT [^:]+:(\d+)", head)[1])
    with socket.create_connection(("127.0.0.1", port)) as to:
        conn.sendall(b"HTTP/1.1 200 OK\r\nX: of the proxy\r\n\r\n")
        back = threading.Thread(target=copy, args=(to, conn))
        back.start()
        copy(conn, to)
        back.join()


def copy(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@case
def https_proxy_is_obeyed():
    with Server(always(reply(b"x")), tls=server_tls()) as s, \
            Server(tunnel) as p:
        r = get("-g", "X", s.url(), CURL_CA_BUNDLE=cert(),
                https_proxy=f"http://127.0.0.1:{p.port}")
        expect("out", r.out, "200 1 ok\n")
        expect("through the proxy", len(p.heads), 1)
        r = get("-H", "-g", "content-length", s.url(), CURL_CA_BUNDLE=cert(),
                https_proxy=f"http://127.0.0.1:{p.port}")
        expect("headers alone", r.out, "200 0 ok [1]\n")


@case
def a_proxy_that_refuses_is_told():
    with Server(always(reply(status="403 Forbidden"))) as p:
        get("https://finviz.invalid/",
            https_proxy=f"http://127.0.0.1:{p.port}").one(
                0, 0, "network", "403")


# TLS


@case
def an_unknown_certificate_is_not_accepted():
    with Server(always(reply(b"x")), tls=server_tls()) as s:
        get(s.url()).one(0, 0, "network", "127.0.0.1: certificate not "
                         "accepted: SSL certificate problem: self-signed")
        expect("requests", len(s.heads), 0)


@case
def a_certificate_of_another_name_is_not_accepted():
    name = "DNS:elsewhere.invalid"
    with Server(always(reply(b"x")), tls=server_tls(name)) as s:
        get(s.url(), CURL_CA_BUNDLE=cert(name)).one(
            0, 0, "network", "certificate not accepted")
        expect("requests", len(s.heads), 0)


@case
def a_certificate_of_our_own_bundle_is_accepted():
    for variable in ("CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        with Server(always(reply(b"x")), tls=server_tls()) as s:
            get(s.url(), **{variable: cert()}).one(200, 1, "ok")


@case
def a_bundle_that_is_missing_is_a_matter_of_configuration():
    with Server(always(reply(b"x")), tls=server_tls()) as s:
        get(s.url(), SSL_CERT_FILE="/nonexistent").one(
            0, 0, "configuration", "SSL_CERT_FILE")


@case
def ciphers_are_settable():
    tls = server_tls()
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with Server(always(reply(b"x")), tls=tls) as s:
        for ciphers, rc in (("ECDHE-ECDSA-AES128-GCM-SHA256", "ok"),
                            ("ECDHE-ECDSA-AES256-GCM-SHA384", "network"),
                            ("nonsense", "configuration")):
            r = get(s.url(), CURL_CA_BUNDLE=cert(), TLS_CIPHERS=ciphers)
            expect(ciphers, r.rows[0][2], rc)


@case
def plain_http_on_a_tls_port_is_told():
    with Server(None) as s:
        threading.Thread(target=lambda: s.sock.accept()[0].sendall(
            b"HTTP/1.1 400 Bad\r\n\r\n"), daemon=True).start()
        get(s.url().replace("http", "https", 1)).one(
            0, 0, "network", "127.0.0.1: TLS failed: ")


@case
def old_tls_is_not_spoken():
    tls = server_tls()
    tls.minimum_version = ssl.TLSVersion.TLSv1
    tls.maximum_version = ssl.TLSVersion.TLSv1_1
    tls.set_ciphers("ALL:@SECLEVEL=0")
    with Server(always(reply(b"x")), tls=tls) as s:
        get(s.url(), CURL_CA_BUNDLE=cert(),
            TLS_CIPHERS="ALL:@SECLEVEL=0").one(0, 0, "network", "TLS failed")


@case
def a_tls_session_is_used_again_by_other_handles():
    both = threading.Barrier(2)

    def answer(conn, path, _head):
        if path == "/both":
            both.wait(5)
        conn.sendall(reply(b"x", headers=["Connection: close"]))
        # OpenSSL forgets the session of a connection without a goodbye.
        conn.unwrap()

    tls = server_tls()
    # OpenSSL uses a ticket of TLS 1.3 once: the third would depend on when
    # the second got a new one.
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    with Server(answer, tls=tls) as s:
        get("-w", "-j", 2, s.url(), s.url("/both"), s.url("/both"),
            CURL_CA_BUNDLE=cert()).all(3, 200, 1, "ok")
        expect("resumed", s.resumed, [False, True, True])


@case
def http_2_carries_all_requests_on_one_connection():
    with Nginx() as n:
        r = get("-p", "-j", 6, "-r", 12, n.url("/"), CURL_CA_BUNDLE=cert())
        bodies = r.out.splitlines()[1::2]
        expect("answers", len(bodies), 12)
        expect("protocol and connection", len(set(bodies)), 1)
        expect_in("protocol", bodies[0], "HTTP/2.0 ")
        # What is broken off takes nothing else with it.
        r = get("-j", 3, n.url("/big"), n.url("/"), n.url("/"),
                CURL_CA_BUNDLE=cert())
        expect("outcomes", sorted(row[2] for row in r.rows),
               ["ok", "ok", "unreadable"])
        r = get("-H", "-r", 3, "-g", "content-length", n.url("/big"),
                CURL_CA_BUNDLE=cert())
        expect("headers alone", r.out, f"200 0 ok [{20 * MIB}]\n" * 3)
