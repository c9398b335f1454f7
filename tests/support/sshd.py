"""Real ssh servers on a host of a topology, with keys made for the run and accounts of their own.

A server lives in a mount namespace in which /etc/passwd, /etc/shadow, /etc/group and the sudo configuration are its
own: root with a home directory of the run, and an unprivileged `slave` (the article's name) who may run isthmus and
pppd by sudo. The machine's accounts are neither used nor touched.
"""
import contextlib
import os
import pathlib
import shlex
import signal
import subprocess

from support.netns import Failed, POLANSKI_OUT, POLANSKI_OUT6, wait_until

SLAVE_UID = 39107
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def make_key(path, kind="ed25519"):
    """A fresh key without a passphrase at `path`, its public half beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", path.name, "-f", str(path)], check=True)
    return path


class PrivateEtc:
    """Files that replace those of /etc in a mount namespace: accounts and sudo rules of a test."""

    def __init__(self, directory, program_directory=None):
        self.directory = directory
        self.homes = {"root": directory / "root", "slave": directory / "slave"}
        search = f"{program_directory}:{PATH}" if program_directory else PATH
        directory.mkdir()
        for user, home in self.homes.items():
            (home / ".ssh").mkdir(parents=True, mode=0o700)
            owner = SLAVE_UID if user == "slave" else 0
            home.chmod(0o755)
            for path in (home, home / ".ssh"):
                os.chown(path, owner, owner)
        self.mounts = {}
        self.prelude = []  # shell commands that run in the mount namespace first
        others = [line for line in pathlib.Path("/etc/passwd").read_text().splitlines() if not line.startswith(("root:", "slave:"))]
        self._file("passwd", [f"root:x:0:0:root:{self.homes['root']}:/bin/bash", *others,
                              f"slave:x:{SLAVE_UID}:{SLAVE_UID}::{self.homes['slave']}:/bin/bash"])
        self._file("group", [*pathlib.Path("/etc/group").read_text().splitlines(), f"slave:x:{SLAVE_UID}:"])
        names = [line.split(":")[0] for line in others]
        self._file("shadow", [f"{name}:*:20000:0:99999:7:::" for name in ("root", *names, "slave")], mode=0o640)
        self._file("sudoers", [f'Defaults secure_path="{search}"', "root ALL=(ALL:ALL) ALL",
                               f"slave ALL=NOPASSWD: {program_directory or '/usr/sbin'}/isthmus, /usr/sbin/pppd"], mode=0o440)

    def _file(self, name, lines, mode=0o644):
        path = self.directory / name
        path.write_text("\n".join(lines) + "\n")
        path.chmod(mode)
        if pathlib.Path("/etc", name).exists():
            self.mounts[path] = f"/etc/{name}"

    def replace(self, target, text):
        """One more file of the machine, seen with this text inside. The target must exist."""
        path = self.directory / target.strip("/").replace("/", "_")
        path.write_text(text)
        self.mounts[path] = target

    def argv(self, argv):
        """The command line that runs argv in a mount namespace of its own with these files in place."""
        binds = [f"mount --bind {shlex.quote(str(source))} {target}" for source, target in self.mounts.items()]
        script = " && ".join([*self.prelude, *binds, 'exec "$@"'])
        return ["unshare", "-m", "--propagation", "private", "/bin/sh", "-c", script, "sh", *map(str, argv)]


class Server:
    """What both kinds of server share: keys, accounts, a process, and how a client reaches it."""

    def __init__(self, topology, host, addresses=(POLANSKI_OUT, POLANSKI_OUT6), port=22, program=None, name=None):
        self.topology = topology
        self.host = host
        self.addresses = addresses if topology.ipv6 else tuple(a for a in addresses if ":" not in a)
        self.port = port
        self.directory = topology.directory / (name or f"sshd-{host}-{port}")
        self.program_directory = pathlib.Path(program).resolve().parent if program else None
        self.process = None

    def __enter__(self):
        self.directory.mkdir()
        self.etc = PrivateEtc(self.directory / "etc", self.program_directory)
        self.host_key = make_key(self.directory / "host_key")
        self.client_key = make_key(self.directory / "client_key")
        self.authorize(self.client_key)
        self.known_hosts = self.directory / "known_hosts"
        self.write_known_hosts(self.host_key)
        self.client_config = self.write_client_config("client_config", self.client_key)
        self.log = self.directory / "log"
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def authorize(self, key, user="root", command=None, options=()):
        """Lets the key log in as the user; with `command`, for that command only (a forced command)."""
        options = [*options, *([f'command="{command}"'] if command else [])]
        public = pathlib.Path(f"{key}.pub").read_text()
        path = self.etc.homes[user] / ".ssh" / "authorized_keys"
        with path.open("a") as out:
            out.write(f"{','.join(options)} {public}".lstrip())
        path.chmod(0o600)
        os.chown(path, *[SLAVE_UID if user == "slave" else 0] * 2)

    def forget_keys(self, user="root"):
        """No key may log in as the user any more."""
        (self.etc.homes[user] / ".ssh" / "authorized_keys").unlink(missing_ok=True)

    def write_known_hosts(self, host_key):
        public = " ".join(pathlib.Path(f"{host_key}.pub").read_text().split()[:2])
        names = ",".join(a if self.port == 22 else f"[{a}]:{self.port}" for a in self.addresses)
        self.known_hosts.write_text(f"{names} {public}\n")

    def write_client_config(self, name, key, *lines):
        """A file for `ssh -F`: this key and no other, these known hosts, no agent, no prompt."""
        path = self.directory / name
        path.write_text("\n".join([
            "Host *", f"  IdentityFile {key}", "  IdentitiesOnly yes", "  IdentityAgent none", f"  Port {self.port}",
            f"  UserKnownHostsFile {self.known_hosts}", "  GlobalKnownHostsFile /dev/null", "  StrictHostKeyChecking yes",
            "  UpdateHostKeys no", "  PreferredAuthentications publickey", *[f"  {line}" for line in lines]]) + "\n")
        return path

    def client_args(self):
        """What an ssh command needs to log in here."""
        return ["-F", str(self.client_config)]

    def with_wrong_host_key(self):
        """From now on clients expect another host key than the server has."""
        self.write_known_hosts(make_key(self.directory / "other_host_key"))

    def with_unauthorized_key(self):
        """A client configuration whose key this server does not know."""
        return self.write_client_config("stranger_config", make_key(self.directory / "stranger_key"))

    def start(self):
        with self.log.open("ab") as log:
            self.process = self.topology.popen(self.host, self.etc.argv(self.server_argv()), stdout=log, stderr=log, start_new_session=True)
        wait_until(self.answers, seconds=20, what=f"{type(self).__name__} on {self.host}")

    def answers(self):
        if self.process.poll() is not None:
            raise Failed(f"{type(self).__name__} ended: {self.log.read_text()}")
        listening = self.topology.run(self.host, ["ss", "-Hltn", f"sport = :{self.port}"]).stdout
        return len(listening.splitlines()) >= len(self.addresses)

    def stop(self, sessions=True):
        """Ends the server, and unless told otherwise the sessions it serves."""
        if self.process is None or self.process.poll() is not None:
            return
        children = self.descendants() if sessions else []
        self.process.terminate()
        self.process.wait(timeout=10)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def descendants(self):
        """The ids of all processes below the server: one branch a session."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                children = [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
                found += children
                todo += children
        return found


class Sshd(Server):
    """OpenSSH's sshd. `config` lines come first and so win over those below them."""

    def __init__(self, *args, config=(), **more):
        super().__init__(*args, **more)
        self.config = tuple(config)

    def server_argv(self):
        pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        path = self.directory / "sshd_config"
        search = f"{self.program_directory}:{PATH}" if self.program_directory else PATH
        listen = [f"ListenAddress {f'[{a}]' if ':' in a else a}:{self.port}" for a in self.addresses]
        path.write_text("\n".join([
            *self.config, *listen, f"HostKey {self.host_key}", "UsePAM no", "StrictModes no", "PermitRootLogin prohibit-password",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "UseDNS no", "PidFile none", "PrintMotd no",
            "LogLevel VERBOSE", f"SetEnv PATH={search}"]) + "\n")
        return ["/usr/sbin/sshd", "-D", "-e", "-f", path]


class Dropbear(Server):
    """Dropbear as the server, for OpenSSH clients. It sets no PATH: name programs in full."""

    def server_argv(self):
        key = self.directory / "dropbear_key"
        if not key.exists():
            self.write_known_hosts(make_dropbear_key(key))
        listen = [word for a in self.addresses for word in ("-p", f"{f'[{a}]' if ':' in a else a}:{self.port}")]
        return ["/usr/sbin/dropbear", "-F", "-E", "-s", "-P", "", "-r", key, *listen]


def dropbear_client(server, etc):
    """The words of a `dbclient` command that logs in to the server: for `isthmus up -e`. Its known hosts lie in root's home in `etc`."""
    key = server.directory / "dropbear_client_key"
    server.authorize(make_dropbear_key(key))
    host_key = server.known_hosts.read_text().split(" ", 1)[1]
    (etc.homes["root"] / ".ssh" / "known_hosts").write_text("".join(f"{address} {host_key}" for address in server.addresses))
    return ["dbclient", "-i", str(key), "-p", str(server.port)]


def make_dropbear_key(path):
    """A fresh key in Dropbear's own format, its public half beside it in OpenSSH's."""
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", str(path)], check=True, capture_output=True)
    shown = subprocess.run(["dropbearkey", "-y", "-f", str(path)], check=True, capture_output=True, text=True).stdout
    public = next(line for line in shown.splitlines() if line.startswith("ssh-"))
    pathlib.Path(f"{path}.pub").write_text(public + "\n")
    return path
