"""Words that would be something else to a careless program, and a driver that gives them to one.

`corpus(canary)` makes the words, always the same. Run as a program, `hostile_words.py CASES RESULTS` runs each case of a JSON
file (`argv`, `env`, and `file` with its `octets` in hex, written first) and writes how each ended.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

# {p} is a command that would leave a trace, {c} the trace: a file.
KERNELS = (
    ";{p}", ";{p};", "$({p})", "`{p}`", "|{p}", "||{p}", "&{p}", "&&{p}&", "\n{p}", "\n{p}\n", "\r\n{p}", "'; {p};'", '";{p};"', "'$({p})'",
    '"`{p}`"', ">{c}", "<({p})", ">>{c} 2>&1", "${{IFS}}", "$HOME", "$0", " ", "\t", "-oProxyCommand={p}", "-oProxyCommand=$({p})",
    "-o ProxyCommand={p}", "-oLocalCommand={p}", "--", "-", "-e{p}", "--remote-command={p}", "--ssh-option=ProxyCommand={p}", "-F{c}", "-E{c}",
    "-S{c}", "%", "%n", "%h", "%s%s%s%n", "%%", "%p;{p}", "%h`{p}`", "%1$n", "../{c}", "../../../../etc/passwd", "/etc/shadow", "..", ".", "~",
    "~root/{c}", "*", "?", "[a-z]*", "{{a,{p}}}", "!", "!!", "#", "#;{p}", "\\", "\\n{p}", "\\x00", "\x1b]0;{p}\x07", "\x1b[2J", "\x07", "\x7f",
    "\x01", "\u00e9", "\u2603", "\u202e{p}", "\ufeff", "a\u0301", "\uff1b{p}", "\u2028{p}", "\U0001f4a9", "\udcff", "\udcc0\udc80", "\udced\udca0\udc80",
    "@", "@@", ":", "::", "[", "]", "[::1", "ssh://", "ssh://{p}/", "0x7f000001", "1e9", "-1", "99999999999999999999", "NaN", "0/0", "::/-1", "\"", "'",
    "\"\"\"", "'''", "=", "a=b", "[x]", "[[x]]", "offer = 1", "true", ",", ",,", "\r", "\v", "\f", "a" * 16, "a" * 64, "a" * 254, "a" * 4096, "a" * 100_000,
)
HULLS = ("{}", "x{}", "{}x", "127.0.0.1{}", "x {} y")


def corpus(canary):
    """Distinct words, in a fixed order; none holds NUL, which no argument can."""
    made = [hull.format(kernel.format(p=f"touch {canary}", c=canary)) for kernel in KERNELS for hull in HULLS]
    return list(dict.fromkeys(made))


def run(case):
    if "file" in case:
        path = pathlib.Path(case["file"])
        path.unlink(missing_ok=True)
        path.write_bytes(bytes.fromhex(case["octets"]))
        path.chmod(0o644)
    argv = [word.encode(errors="surrogateescape") for word in case["argv"]]
    env = {os.fsencode(name): value.encode(errors="surrogateescape") for name, value in (os.environ | case.get("env", {})).items()}
    try:
        result = subprocess.run(argv, env=env, capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False)
    except subprocess.TimeoutExpired:
        return {"status": None, "said": ""}
    return {"status": result.returncode, "said": (result.stdout + result.stderr).decode(errors="surrogateescape")}


def main(cases, results):
    with concurrent.futures.ThreadPoolExecutor(1 if any("file" in case for case in cases) else 3) as pool:
        pathlib.Path(results).write_text(json.dumps(list(pool.map(run, cases))))


if __name__ == "__main__":
    main(json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2])
