"""Hostile words wherever the program takes a word: on command lines, in what sshd and sudo leave in the environment, and in the
files of policy. Nothing but fixed programs is run, no shell sees such a word, and each is answered in words.

    alone: a host with nothing but loopback, and its own /etc/isthmus
"""
import json
import os
import pathlib
import re
import sys

import pytest

from support.hostile_words import corpus
from support.netns import Namespaces
from support.soak import soaked
from support.sshd import PATH

NETWORKS = ("--offer", "192.0.2.0/24", "--accept", "198.51.100.0/24")
HERE = "root@127.0.0.1"  # where nobody listens


def up(*words, to=HERE):
    return ["up", *NETWORKS, *words, "--", to]


# Where a word goes. `--remote-command` and `-o` are the user's to choose; a shell of ours must not see them either.
ON_COMMAND_LINES = {
    "host": lambda word: up(to=f"root@{word}"), "user": lambda word: up(to=f"{word}@127.0.0.1"), "destination": lambda word: up(to=word),
    "no --": lambda word: ["up", *NETWORKS, word], "--name": lambda word: up("--name", word), "--interface": lambda word: up("--interface", word),
    "-p": lambda word: up("-p", word), "-i": lambda word: up("-i", word), "-F": lambda word: up("-F", word), "-J": lambda word: up("-J", word),
    "-o": lambda word: up("-o", word), "-o HostName": lambda word: up("-o", f"HostName={word}"), "-o User": lambda word: up("-o", f"User={word}"),
    "-o HostKeyAlias": lambda word: up("-o", f"HostKeyAlias={word}"), "--remote-command": lambda word: up("--remote-command", word),
    "--offer": lambda word: up("--offer", word), "--address": lambda word: up("--address", word), "--hosts": lambda word: up("--hosts", word),
    "--cipher": lambda word: up("--cipher", word), "--hold": lambda word: up("--hold", word), "--mtu": lambda word: up("--mtu", word),
    "--path": lambda word: up("--path", word), "option": lambda word: up(f"--{word}"), "command": lambda word: [word],
    "down": lambda word: ["down", word], "status": lambda word: ["status", word], "--peer": lambda word: ["attach", "--peer", word],
}
IN_ENVIRONMENT = ("SSH_ORIGINAL_COMMAND", "SSH_CONNECTION", "SSH_USER_AUTH", "SUDO_USER", "PKEXEC_UID", "ISTHMUS_CONNECT", "ISTHMUS_PROGRAM")
# {} is the word as TOML writes it, {raw} as it stands.
IN_FILES = ("accept = [{}]", "offer = {}", "address = {}", "assign = [{}]", "hosts = [\"192.0.2.1\", {}]", "interface = {}", "path = {}",
            "cipher = [{}]", "mtu = {}", "udp_port = {}", "guard = {}", "{} = 1", "{raw}", "[{}]", "accept = [\"{raw}\"]")
IN_POLICY = ("deny = [{}]", "adopt_root = {}", "{} = true", "{raw}", "deny = [\"{raw}\"]")
# What is right in some place of a file: nothing, a comment, a name, a line that sets something, the address of nobody.
FITTING = r"\s*(#.*)?|[\w-]{1,15}|\w+=.*|::"
BEFORE = 3  # lines of comment above the one that is wrong

EACH = soaked(2, 12)  # command lines a word
EACH_FILE = soaked(1, 4)
TAKEN = soaked(2, 1)  # every so manieth word goes into a file

# A process that was ended by a signal, or that a sanitizer ended.
CRASHED = {None, *range(-64, 0), *range(128, 130), *range(131, 143)}


class Alone:
    """A host of its own, on which a driver runs cases under strace."""

    def __init__(self, namespaces, program):
        self.namespaces = namespaces
        self.program = program
        self.directory = namespaces.directory
        self.trap = self.directory / "trap"
        self.trap.mkdir()
        self.canary = self.trap / "sprung"
        (self.directory / "isthmus" / "peers").mkdir(parents=True)

    def argv(self, argv):
        """In a mount namespace with an /etc/isthmus of its own, which others see at self.directory / "isthmus"."""
        over = self.directory / "over"
        over.mkdir(exist_ok=True)
        script = (f"mount -t tmpfs tmpfs {over} && mkdir {over}/u {over}/w && "
                  f"mount -t overlay overlay -o lowerdir=/etc,upperdir={over}/u,workdir={over}/w /etc && mkdir -p /etc/isthmus && "
                  f"mount --bind {self.directory}/isthmus /etc/isthmus && exec \"$@\"")
        return ["unshare", "-m", "--propagation", "private", "/bin/sh", "-c", script, "sh", *map(str, argv)]

    def run(self, argv, **more):
        env = {"PATH": f"{self.program.parent}:{PATH}", **more.pop("env", {})}
        return self.namespaces.run("alone", self.argv(argv), env=env, check=False, **more)

    def drive(self, cases):
        """Each case's end, and the programs that were run for all of them: (path, argument vector)."""
        given, results, trace = (self.directory / name for name in ("cases", "results", "trace"))
        given.write_text(json.dumps(cases))
        driver = [sys.executable, "-B", "-m", "support.hostile_words", given, results]
        ran = self.run(["strace", "-f", "-q", "--seccomp-bpf", "-s", "300", "-e", "trace=execve,execveat", "-o", trace, *driver],
                       cwd=pathlib.Path(__file__).parent.parent, timeout=500)
        assert ran.returncode == 0, ran.stderr
        calls = re.findall(r'execve(?:at)?\((?:AT_FDCWD, )?"((?:[^"\\]|\\.)*)", (\[.*?\](?:, 0x| <unf|\.\.\.,))', trace.read_text(errors="replace"))
        assert len(calls) >= len(cases)
        return json.loads(results.read_text()), [call for call in calls if call[0] != sys.executable]

    def peer_case(self, template, word, file="peers/fellini.toml"):
        """Reads a file of which one line holds the word."""
        line = template.format(json.dumps(word.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), ensure_ascii=False), raw=word)
        text = "# of no account\n" * BEFORE + line + "\n"
        return {"argv": [str(self.program), "attach", "--peer", "fellini"], "file": str(self.directory / "isthmus" / file),
                "octets": text.encode(errors="surrogateescape").hex()}

    def says(self, *words):
        """attach's status and words."""
        result = self.run([self.program, *(words or ["attach", "--peer", "fellini"])])
        return result.returncode, result.stdout + result.stderr

    def peer_file(self, octets=b'accept = ["192.0.2.0/24"]\n', name="fellini.toml"):
        path = self.directory / "isthmus" / "peers" / name
        path.write_bytes(octets)
        path.chmod(0o644)
        return path


@pytest.fixture
def alone(isthmus):
    with Namespaces(["alone"]) as made:
        yield Alone(made, isthmus)


def spread(words, places, each):
    """So many places for every word, all places in turn."""
    places = list(places)
    return [(word, places[(number * each + turn) % len(places)]) for number, word in enumerate(words) for turn in range(min(each, len(places)))]


def check_programs(alone, calls):
    """Fixed programs alone; of shells ssh's own, whose text is constant."""
    fixed = {str(alone.program), "/usr/bin/ssh", "/usr/sbin/nft"}
    searched = {f"{directory}/ssh" for directory in [str(alone.program.parent), *PATH.split(":")]}
    for path, argv in calls:
        if path == "/bin/sh":
            assert argv.startswith(r'["/bin/sh", "-c", "exec \"$ISTHMUS_PROGRAM\" connect-for-ssh"]'), argv
        else:
            assert path in fixed | searched, (path, argv)
    assert list(alone.trap.iterdir()) == []


def check_end(case, end):
    """It ended by itself, not well, and said why; and what it says does nothing to a terminal."""
    assert end["status"] not in CRASHED, (case, end)
    assert end["status"] == 0 or end["said"], (case, end)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", end["said"]), (case, end)


def test_no_word_of_a_command_line_reaches_a_shell_or_crashes_the_program(alone):
    words = corpus(alone.canary)
    assert len(words) >= 500
    placed = spread(words, ON_COMMAND_LINES, EACH)
    cases = [{"argv": [str(alone.program), *ON_COMMAND_LINES[place](word)]} for word, place in placed]
    ends, calls = alone.drive(cases)
    check_programs(alone, calls)
    assert {"/usr/bin/ssh", "/bin/sh"} <= {path for path, _ in calls}, "no word came as far as ssh"
    for (word, place), end in zip(placed, ends):
        check_end((place, word), end)
        assert end["status"] != 0 or place in ("command", "status"), (place, word, end)


def test_no_word_in_the_environment_of_a_login_reaches_a_shell(alone):
    cases = []
    for word, name in spread(corpus(alone.canary), IN_ENVIRONMENT, 1):
        cases.append({"argv": [str(alone.program), *(["connect-for-ssh"] if name == "ISTHMUS_CONNECT" else ["attach"])], "env": {name: word}})
    ends, calls = alone.drive(cases)
    check_programs(alone, calls)
    for case, end in zip(cases, ends):
        check_end(case, end)


@pytest.mark.parametrize("file, templates", [("peers/fellini.toml", IN_FILES), ("policy.toml", IN_POLICY)])
def test_a_word_that_no_key_takes_is_refused_with_its_line(alone, file, templates):
    alone.peer_file()
    words = [word for word in corpus(alone.canary) if len(word) < 50_000 and not re.fullmatch(FITTING, word)]
    placed = spread(words[::TAKEN], templates, EACH_FILE)
    cases = [alone.peer_case(template, word, file) for word, template in placed]
    ends, calls = alone.drive(cases)
    check_programs(alone, calls)
    for (word, template), end in zip(placed, ends):
        check_end((template, word), end)
        at = re.search(rf"{pathlib.Path(file).name}:(\d+):\d+: ", end["said"])
        assert end["status"] == 31 and at and BEFORE < int(at[1]) <= BEFORE + 2 + word.count("\n"), (template, word, end)


def test_a_nul_in_a_file_is_refused_with_its_line(alone):
    alone.peer_file(b'offer = []\naccept = ["10.0.0.0/8\0"]\n')
    status, said = alone.says()
    assert status == 31 and "fellini.toml:2:" in said, said


def test_a_line_of_ten_megabytes_is_refused(alone):
    alone.peer_file(b'accept = ["' + b"1" * 10_000_000 + b'"]\n')
    status, said = alone.says()
    assert status == 31 and "fellini.toml is longer than 65536 octets" in said, said


def test_a_file_that_nests_without_end_is_refused(alone):
    alone.peer_file(b"accept = " + b"[" * 60_000)
    status, said = alone.says()
    assert status == 31 and "fellini.toml:1:" in said, said


def others_may_write(alone, path):
    path.chmod(0o646)


def the_group_may_write(alone, path):
    path.chmod(0o664)


def another_owns_it(alone, path):
    os.chown(path, 39107, 0)


def it_is_a_link(alone, path):
    path.rename(alone.directory / "elsewhere")
    path.symlink_to(alone.directory / "elsewhere")


def it_is_a_pipe(alone, path):
    path.unlink()
    os.mkfifo(path, 0o644)


def it_is_a_directory(alone, path):
    path.unlink()
    path.mkdir()


def others_may_write_its_directory(alone, path):
    path.parent.chmod(0o777)


WRONG = {others_may_write: "can be written by others", the_group_may_write: "can be written by others", another_owns_it: "is not owned by root",
         it_is_a_link: "is a symbolic link", it_is_a_pipe: "is no regular file", it_is_a_directory: "is no regular file",
         others_may_write_its_directory: "can be written by others"}


@pytest.mark.parametrize("file", ["peers/fellini.toml", "policy.toml"])
@pytest.mark.parametrize("make_wrong", WRONG, ids=lambda function: function.__name__)
def test_a_file_that_others_could_have_written_is_refused(alone, file, make_wrong):
    alone.peer_file()
    path = alone.directory / "isthmus" / file
    path.touch(mode=0o644)
    make_wrong(alone, path)
    status, said = alone.says()
    assert status == 31 and WRONG[make_wrong] in said, said
