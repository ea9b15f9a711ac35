"""A hand on what a program says to Redis, command by command."""
import hashlib
import os
import signal
import socket
import subprocess
import threading
import uuid

from harness import ROOT, program


class Cut:
    """Between a program and Redis: kills the program instead of passing its
    command number `most` on; or, if told to drop, passes that on and closes
    the connection without an answer."""

    def __init__(self, s, name, most, drop=False):
        self.path = os.path.join(s.dir, "%s.%s" % (name, uuid.uuid4().hex[:6]))
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen(4)
        self.redis, self.most, self.drop = s.socket, most, drop
        self.names, self.child = [], None
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            redis = socket.socket(socket.AF_UNIX)
            redis.connect(self.redis)
            threading.Thread(target=self.answers, args=(redis, client),
                             daemon=True).start()
            threading.Thread(target=self.commands, args=(client, redis),
                             daemon=True).start()

    def answers(self, redis, client):
        try:
            while data := redis.recv(65536):
                if self.most == -1:  # this one was dropped
                    self.most = 1 << 30
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(data)
        except OSError:
            pass

    def commands(self, client, redis):
        stream = client.makefile("rb")
        try:
            while head := stream.readline():
                command = [head]
                for _ in range(int(head[1:])):
                    command.append(stream.readline())
                    command.append(stream.read(int(command[-1][1:]) + 2))
                if len(self.names) == self.most and self.drop:
                    self.most = -1
                elif len(self.names) == self.most:
                    self.kill()
                    break
                self.names.append(command[2].strip().decode())
                self.before(b"".join(command))
                redis.sendall(b"".join(command))
        except OSError:
            pass
        finally:
            redis.close()
            client.close()

    def kill(self):
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def before(self, command):
        """It is about to be passed on."""

    def run(self, s, db, name, *args, **env):
        """The program's exit status.  What it started is killed with it."""
        with subprocess.Popen(
                [program(name), *args], stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=s.env(REDIS_URL="unix://%s?db=%s" % (self.path, db),
                          TZ="UTC", **env)) as child:
            self.child = child
            child.wait(30)
            self.server.close()
            return child.returncode


class Script:
    """Which commands call it?"""

    def __init__(self, name):
        path = os.path.join(ROOT, "src/store/lua", name + ".lua")
        with open(path, "rb") as f:
            self.text = f.read()
        self.sha = hashlib.sha1(self.text).hexdigest().encode()

    def is_called_by(self, command):
        return self.sha in command or self.text in command


class CutBefore(Cut):
    """Kills the program instead of passing its first call of a script on."""

    def __init__(self, s, name):
        super().__init__(s, name, 1 << 30)
        self.script = Script(name)

    def before(self, command):
        if self.script.is_called_by(command):
            self.kill()
            raise ConnectionAbortedError


class Meddler(Cut):
    """Does something before the first command with these bytes is passed on."""

    def __init__(self, s, what, action):
        super().__init__(s, "meddler", 1 << 30)
        self.what, self.action = what, action

    def before(self, command):
        if self.action and self.what in command:
            action, self.action = self.action, None
            action()


class Gate(Cut):
    """Passes the calls of a script on when so many of them have come, and then
    all at once."""

    def __init__(self, s, name, together):
        super().__init__(s, name, 1 << 30)
        self.script = Script(name)
        self.barrier = threading.Barrier(together)
        self.passed = 0

    def before(self, command):
        if self.passed < self.barrier.parties and \
                self.script.is_called_by(command):
            self.barrier.wait(20)
            self.passed += 1
