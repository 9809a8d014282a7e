"""A Redis server of the bench's own: started on a socket in a temporary directory, and never left behind."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE_SECONDS = 600
"""For a large append-only file to be loaded."""


def executable() -> str | None:
    return shutil.which("redis-server")


class Server:
    """A running redis-server that keeps its files in `directory`, and a client of it.

    It listens on a unix socket only. It ends with `stop`, at the interpreter's exit, and, where `setpriv` is installed
    (Debian: util-linux), when the thread that started it ends in any way, `kill -9` included.
    """

    def __init__(self, directory: Path, options: dict[str, str]) -> None:
        # A socket's path has at most 107 bytes; `directory` may be longer.
        self.socket_directory = Path(tempfile.mkdtemp(prefix="tsfeat-bench-redis-"))
        socket = self.socket_directory / "socket"
        options = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "dir": str(directory),
            "daemonize": "no",
            "logfile": str(self.socket_directory / "log"),
            **options,
        }
        command = [executable() or "redis-server"]
        for name, value in options.items():
            command += [f"--{name}", value]
        if tie := shutil.which("setpriv"):
            command = [tie, "--pdeathsig", "KILL", *command]
        # Strings are compared by bytes in Lua only under this locale.
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"})
        atexit.register(self.stop)
        try:
            self.client = redis.Redis(unix_socket_path=str(socket), protocol=2, retry=Retry(NoBackoff(), 0))
            self._wait_until_loaded()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self.process.pid

    def _wait_until_loaded(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.client.ping()
                return
            except redis.exceptions.ConnectionError as error:  # also: busy loading
                log = self.socket_directory / "log"
                said = log.read_text()[-2000:] if log.exists() else ""
                if self.process.poll() is not None:
                    raise RuntimeError(f"redis-server ended with {self.process.returncode}: {said}") from error
                if time.monotonic() > deadline:
                    raise RuntimeError(f"redis-server did not answer in {PATIENCE_SECONDS} s: {said}") from error
            time.sleep(0.01)

    def stop(self) -> None:
        """Ends the server: by asking, then by force. Stopping twice is allowed."""
        atexit.unregister(self.stop)
        if self.process.poll() is None:
            with contextlib.suppress(redis.exceptions.RedisError, AttributeError):
                self.client.shutdown(nosave=True)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        with contextlib.suppress(AttributeError):
            self.client.close()
        shutil.rmtree(self.socket_directory, ignore_errors=True)
