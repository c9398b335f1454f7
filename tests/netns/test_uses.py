"""What the article used its VPN for: a share of files and a login, between hosts of the two networks."""
import contextlib
import hashlib
import os
import pathlib
import subprocess
import sys

import pytest

from support import telnet_login
from support.joins import IPV4
from support.netns import HOST_A, HOST_B, wait_until

SIZE = 4 << 20
SMB_CONF = """
[global]
  workgroup = ARTICLE
  server role = standalone server
  interfaces = {address}/24 lo
  bind interfaces only = yes
  map to guest = Bad User
  guest account = root
  disable netbios = yes
  smb ports = 445
  load printers = no
  printcap name = /dev/null
  pid directory = {base}/run
  lock directory = {base}/lock
  state directory = {base}/state
  cache directory = {base}/cache
  private dir = {base}/private
  ncalrpc dir = {base}/ncalrpc
  log file = {base}/log
[files]
  path = {base}/files
  guest ok = yes
  read only = no
"""
# In place of login(1): no account of the machine's is asked for or touched.
LOGIN = """#!/bin/sh
printf 'polanski login: '
read name
printf 'password: '
read word
if test "$name/$word" = roman/knife; then
  echo "welcome $name from $(hostname), terminal $(tty)"
  exec sh
fi
echo wrong
"""


@contextlib.contextmanager
def running(topology, host, port, argv, **more):
    """A server on the host, from when it listens on the port to the end of the block."""
    process = topology.popen(host, argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **more)
    try:
        wait_until(lambda: topology.run(host, ["ss", "-Hltn", f"sport = :{port}"]).stdout, 20, what=f"{argv[0]} on {host}")
        yield process
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextlib.contextmanager
def share(topology, host, address):
    """An SMB server on the host, with everything it keeps in a directory of its own; gives the directory it shares."""
    base = topology.directory / f"smb-{host}"
    for name in ("run", "lock", "state", "cache", "private", "ncalrpc", "files"):
        (base / name).mkdir(parents=True)
    config = base / "smb.conf"
    config.write_text(SMB_CONF.format(address=address, base=base))
    with running(topology, host, 445, ["smbd", "--foreground", "--no-process-group", "-l", base, "-s", config]):
        yield base / "files"


def smbclient(near, host, address, command):
    """One command of smbclient against the share, run in a directory of the host's own."""
    directory = pathlib.Path(near.topology.directory / f"client-{host}")
    directory.mkdir(exist_ok=True)
    config = directory / "smb.conf"
    config.write_text(f"[global]\n  lock directory = {directory}\n  state directory = {directory}\n  cache directory = {directory}\n  private dir = {directory}\n")
    near.topology.run(host, ["smbclient", "-l", directory, "-s", config, "-N", f"//{address}/files", "-c", command], cwd=directory)
    return directory


@pytest.mark.parametrize("server, address, client", [("hostB", HOST_B, "hostA"), ("hostA", HOST_A, "hostB")])
def test_a_share_of_files_is_used_across_the_tunnel(near, server, address, client):
    octets = os.urandom(SIZE)
    with near.joined(*IPV4), share(near.topology, server, address) as files:
        (files / "theirs").write_bytes(octets)
        directory = smbclient(near, client, address, "get theirs mine")
        assert hashlib.sha256((directory / "mine").read_bytes()).digest() == hashlib.sha256(octets).digest()
        smbclient(near, client, address, "put mine back")
        assert hashlib.sha256((files / "back").read_bytes()).digest() == hashlib.sha256(octets).digest()


def test_a_telnet_login_across_the_tunnel(near):
    login = near.topology.directory / "login"
    login.write_text(LOGIN)
    login.chmod(0o755)
    daemon = ["socat", f"TCP4-LISTEN:23,bind={HOST_B},reuseaddr,fork", f"EXEC:telnetd -h -E {login},nofork"]
    with near.joined(*IPV4), running(near.topology, "hostB", 23, daemon):
        said = near.topology.run("hostA", [sys.executable, "-B", telnet_login.__file__, HOST_B], timeout=90).stdout
    assert "welcome roman" in said and "42-" in said and "closed" in said, said
