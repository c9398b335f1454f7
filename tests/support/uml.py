"""A guest: Debian's user-mode-linux kernel, an ordinary process, with pppd and the kernel's own PPP.

Its root is this machine's, bound read-only, with memory on all that programs write to; the directory of the topology is
seen under the same path inside and out, and is the one place both can write. A TAP joins it to a host of the topology.
One guest boots in seconds and serves a whole module of tests.
"""
import os
import pathlib
import shlex
import shutil
import socket
import struct
import subprocess

from support.netns import Failed, wait_until
from support.program import built_beside
from support.sshd import PrivateEtc, make_key

KERNEL = "/usr/bin/linux.uml"
MODULES = pathlib.Path("/usr/lib/uml/modules")
PPP_MODULES = ("ipv6", "slhc", "ppp_generic", "ppp_async", "ppp_synctty", "ppp_deflate", "bsd_comp", "tun")

HOST, HOST6 = "193.6.38.1", "2001:db8:38::1"
GUEST, GUEST6 = "193.6.38.2", "2001:db8:38::2"

# Runs outside: the machine's root read-only at `root`, the shared directory in its /mnt, then the kernel.
LAUNCH = """
set -e
mount --bind / {root}
mount -o remount,bind,ro {root}
if mountpoint -q /usr; then mount --bind /usr {root}/usr; mount -o remount,bind,ro {root}/usr; fi
mount --bind {shared} {root}/mnt
LD_PRELOAD={preload} exec {kernel} mem={memory} rootfstype=hostfs rootflags={root} rw quiet init=/mnt/{init} con=null con0=null,fd:1 \
  umid=guest uml_dir={directory}/ vec0:transport=tap,ifname={tap},depth=64,gro=1 {arguments}
"""

# Runs inside, as process 1.
INIT = """#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts -o ptmxmode=666,gid=5 devpts /dev/pts
for place in /run /tmp /var/tmp /var/log /var/lib /dev/shm /root; do mount -t tmpfs -o mode=755 none $place; done
chmod 1777 /tmp /var/tmp /dev/shm
mkdir -p /run/lock /run/sshd {shared}
mount --bind /mnt {shared}
{binds}
echo {modprobe} > /proc/sys/kernel/modprobe
for module in {modules}; do {modprobe} $module; done
hostname guest
ip link set lo up
sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
ip link set vec0 up
ip addr add {guest}/24 dev vec0
ip addr add {guest6}/64 dev vec0 nodad
ip route add default via {host}
ip -6 route add default via {host6}
/usr/sbin/sshd -D -e -f {sshd_config} 2>{directory}/sshd.log &
echo ready > {directory}/ready
# Process 1 takes in the orphans; the shutdown comes through the management console.
while :; do wait; sleep 1; done
"""


def whole_registers():
    """What is preloaded into the kernel, of the build tree that is tested; whole_registers.cc says why."""
    program = pathlib.Path(os.environ.get("ISTHMUS", pathlib.Path(__file__).parents[2] / "build/release/bin/isthmus"))
    return built_beside(program, "whole_registers.so")


class Guest:
    """The guest, joined to `host` of the topology by the interface `tap`. `arguments` are more words for its kernel."""

    def __init__(self, topology, host, tap="tap0", memory="512M", modules=PPP_MODULES, arguments=""):
        self.topology = topology
        self.host = host
        self.tap = tap
        self.memory = memory
        self.modules = modules
        self.arguments = arguments
        self.directory = topology.directory / "guest"
        self.console_log = self.directory / "console.log"
        self.process = None

    def __enter__(self):
        if not os.path.exists(KERNEL):
            raise Failed(f"{KERNEL} is missing: tools/install_packages.sh test")
        self.directory.mkdir()
        self.topology.ip(self.host, "tuntap", "add", "dev", self.tap, "mode", "tap")
        self.topology.ip(self.host, "addr", "add", f"{HOST}/24", "dev", self.tap)
        self.topology.ip(self.host, "addr", "add", f"{HOST6}/64", "dev", self.tap, "nodad")
        self.topology.ip(self.host, "link", "set", self.tap, "up")
        self._prepare()
        self._boot()
        return self

    def __exit__(self, *_):
        self.shut_down()
        self.topology.ip(self.host, "link", "del", self.tap)

    def argv(self, argv, *ssh_options):
        """The command line, on the host, that runs argv in the guest by ssh. Words are kept apart there too."""
        return ["ssh", "-F", str(self.client_config), *ssh_options, "guest", shlex.join(map(str, argv))]

    def run(self, argv, check=True, timeout=60, input=None):
        """Runs argv in the guest to its end, as root."""
        return self.topology.run(self.host, self.argv(argv), check=check, timeout=timeout, input=input)

    def popen(self, argv, *ssh_options, **more):
        """Starts argv in the guest; the process is that of the ssh that carries its input and output."""
        return self.topology.popen(self.host, self.argv(argv, *ssh_options), **more)

    def load(self, *modules):
        """Loads kernel modules in the guest, with what they need."""
        for module in modules:
            self.run([self.modprobe, module])

    def console(self, command):
        """Says a word to the guest's management console and returns the answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            mine = self.directory / "console.sock"
            mine.unlink(missing_ok=True)
            end.bind(str(mine))
            end.settimeout(5)
            words = command.encode()
            end.sendto(struct.pack("<III", 0xCAFEBABE, 2, len(words)) + words.ljust(512, b"\0"),
                       str(self.directory / "guest" / "mconsole"))
            answer = end.recv(1024)
            mine.unlink()
            return answer[12:].rstrip(b"\0").decode()

    def shut_down(self):
        if self.process.poll() is None:
            try:
                self.console("halt")
                self.process.wait(timeout=5)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait(timeout=5)

    def _prepare(self):
        # modprobe -d looks below DIR/lib/modules/VERSION.
        (self.directory / "lib").mkdir()
        (self.directory / "lib" / "modules").symlink_to(MODULES)
        self.modprobe = self.directory / "modprobe"
        self.modprobe.write_text(f'#!/bin/sh\nexec /sbin/modprobe -d {self.directory} "$@"\n')
        self.modprobe.chmod(0o755)

        etc = PrivateEtc(self.directory / "etc")
        # pppd asks for the address of its own host; no name server answers in there.
        etc.replace("/etc/hosts", f"127.0.0.1 localhost\n{GUEST} guest\n{HOST} host\n")
        etc.replace("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
        host_key, client_key = make_key(self.directory / "host_key"), make_key(self.directory / "client_key")
        shutil.copy(f"{client_key}.pub", etc.homes["root"] / ".ssh" / "authorized_keys")
        sshd_config = self.directory / "sshd_config"
        sshd_config.write_text(f"HostKey {host_key}\nUsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\nUseDNS no\n"
                               "PidFile none\nPrintMotd no\nMaxSessions 50\nMaxStartups 100\n")
        known_hosts = self.directory / "known_hosts"
        known_hosts.write_text(f"{GUEST},{GUEST6} {' '.join(pathlib.Path(f'{host_key}.pub').read_text().split()[:2])}\n")
        self.client_config = self.directory / "client_config"
        self.client_config.write_text(
            f"Host guest\n  HostName {GUEST}\nHost *\n  User root\n  IdentityFile {client_key}\n  IdentitiesOnly yes\n"
            f"  IdentityAgent none\n  UserKnownHostsFile {known_hosts}\n  GlobalKnownHostsFile /dev/null\n"
            "  StrictHostKeyChecking yes\n  UpdateHostKeys no\n  ConnectTimeout 5\n")

        init = self.directory / "init"
        binds = "\n".join(f"mount --bind {shlex.quote(str(source))} {target}" for source, target in etc.mounts.items())
        init.write_text(INIT.format(shared=self.topology.directory, binds=binds, modprobe=self.modprobe, modules=" ".join(self.modules),
                                    host=HOST, host6=HOST6, guest=GUEST, guest6=GUEST6, sshd_config=sshd_config,
                                    directory=self.directory))
        init.chmod(0o755)

    def _boot(self):
        root = self.directory / "root"
        root.mkdir()
        script = LAUNCH.format(root=root, shared=self.topology.directory, preload=whole_registers(), kernel=KERNEL, memory=self.memory,
                               init="guest/init", directory=self.directory, tap=self.tap, arguments=self.arguments)
        with self.console_log.open("wb") as log:
            self.process = self.topology.popen(self.host, ["unshare", "-m", "--propagation", "private", "/bin/sh", "-c", script],
                                               stdout=log, stderr=log, start_new_session=True)
        wait_until(self._is_ready, seconds=60, what=f"the guest (see its console: {self.console_log})")

    def _is_ready(self):
        if self.process.poll() is not None:
            raise Failed(f"the guest ended:\n{self.console_log.read_text(errors='replace')}")
        if not (self.directory / "ready").exists():
            return False
        return self.topology.run(self.host, self.argv(["true"]), check=False, timeout=20).returncode == 0
