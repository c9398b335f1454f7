"""What can go wrong with ssh, told apart by exit status and by words; and that ssh is run as a program, not by a shell."""
import re
import signal

import pytest

from support.joins import IPV4, shown, undone
from support.netns import HOST_B, POLANSKI_OUT
from support.sshd import Sshd


@pytest.fixture(autouse=True)
def clean_server(near):
    near.server.forget()
    near.server.write_known_hosts(near.server.host_key)
    yield
    (near.server.etc.homes["root"] / ".bashrc").unlink(missing_ok=True)


def refused(near, code, text, *words, **more):
    """`isthmus up` ends with this status and this text, and has changed nothing."""
    with undone(near.topology):
        result = near.call("up", *IPV4, *words, **more)
    assert result.returncode == code, shown(result)
    assert re.search(text, result.stdout + result.stderr), shown(result)


def test_a_name_without_address(near):
    refused(near, 11, "name of .*nowhere.invalid has no address", to="root@nowhere.invalid")


def test_nobody_listens(near):
    refused(near, 12, "refuses the connection", "-p", "2299")


def test_no_way_there(near):
    refused(near, 13, "cannot be reached", to="root@198.51.100.200")


@pytest.mark.parametrize("strict", ["yes", "ask"])
def test_an_unknown_host_key(near, strict):
    near.server.known_hosts.write_text("")
    refused(near, 14, r"host key .* is not known here", "-o", f"StrictHostKeyChecking={strict}")


def test_a_changed_host_key(near):
    near.server.known_hosts.write_text("")
    near.server.with_wrong_host_key()
    refused(near, 15, "not the one known here")


def test_a_configuration_that_would_take_any_machine(near):
    for name, *lines in (("strict", "StrictHostKeyChecking no"), ("new", "StrictHostKeyChecking accept-new", "UserKnownHostsFile /dev/null")):
        config = near.server.directory / name
        config.write_text("Host *\n" + "".join(f"  {line}\n" for line in lines) + near.server.client_config.read_text())
        refused(near, 14, f"{lines[0]}.* any machine on the way", config=config)


def test_a_key_that_is_not_authorised(near):
    near.server.forget_keys()
    refused(near, 16, "admits none of our keys")


def test_no_isthmus_there(near):
    with Sshd(near.topology, "polanski", port=2222) as bare:
        refused(near, 17, "has no isthmus", config=bare.client_config)


def test_sudo_wants_a_password(near):
    near.server.authorize(near.server.client_key, user="slave")
    refused(near, 18, "sudo on .* wants a password", "--remote-command", "sudo -n /usr/bin/id", to=f"slave@{POLANSKI_OUT}")


def test_an_option_that_ssh_does_not_know(near):
    refused(near, 19, "ssh does not understand its options", "-o", "NoSuchOption=yes")


def test_text_and_no_stream(near):
    near.server.force("echo this account is closed")
    refused(near, 20, "sent text instead of PPP: 'this account is closed'")


def test_no_ssh_program(near):
    refused(near, 10, "/nonexistent/ssh: .*no such program", "-e", "/nonexistent/ssh")


def test_text_before_the_stream_is_skipped_with_a_warning(near):
    (near.server.etc.homes["root"] / ".bashrc").write_text("echo 'Welcome to polanski ~~ }}'\n")
    with near.joined(*IPV4) as up:
        assert "Welcome to polanski" in up.stdout + up.stderr, shown(up)
        assert near.topology.ping("hostA", HOST_B, count=1).ok


@pytest.mark.parametrize("words, text", [
    (["-o", "StrictHostKeyChecking=no"], "any machine"), (["-o", "RequestTTY=force"], "break the stream"),
    (["-o", "LocalForward=1 b:2"], "the link and nothing else"), (["-e", "ssh -f"], "break the stream"),
    (["-e", "ssh -o UserKnownHostsFile=/dev/null"], "any machine"), (["-o", "PermitLocalCommand=yes"], "nothing else is run"),
    (["--remote-command", "x\ny"], "printable"), (["-J", "-oProxyCommand=id"], "-J"),
])
def test_what_would_break_or_endanger_the_stream_is_refused_at_once(near, words, text):
    result = near.run("up", f"root@{POLANSKI_OUT}", *IPV4, *words)
    assert result.returncode == 2 and text in result.stderr, shown(result)


def test_a_destination_is_no_option(near):
    result = near.run("up", *IPV4, "--", "-oProxyCommand=touch /tmp/x")
    assert result.returncode == 2, shown(result)


def test_words_of_e_reach_ssh(near):
    with near.joined(*IPV4, "-e", "ssh -4 -o ConnectTimeout=7"):
        assert near.topology.ping("hostA", HOST_B, count=1).ok


def test_the_only_shell_at_the_near_end_is_sshs_own_with_a_constant_text(near):
    trace = near.topology.directory / "execve"
    with undone(near.topology), near.foreground(*IPV4, argv=["strace", "-f", "-q", "-s", "200", "-e", "trace=execve", "-o", trace]) as up:
        up.wait_for("^joined", seconds=30)
        near.run("down", POLANSKI_OUT)
        assert up.process.wait(timeout=10) == 0, up.text
    started = re.findall(r'execve\("([^"]+)", (\[.*\]), .*\) = 0', trace.read_text())
    assert {program for program, _ in started} == {str(near.program), "/usr/bin/ssh", "/usr/sbin/nft", "/bin/sh"}
    shells = [argv for program, argv in started if program == "/bin/sh"]
    assert shells == [r'["/bin/sh", "-c", "exec \"$ISTHMUS_PROGRAM\" connect-for-ssh"]']


def test_ctrl_c_while_ssh_waits(near):
    with undone(near.topology), near.foreground(*IPV4, "--remote-command", "sleep 30") as up:
        up.wait_for("^joining")
        assert up.end(signal.SIGINT) == 130, up.text
