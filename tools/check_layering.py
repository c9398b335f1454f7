#!/usr/bin/python3
"""The layers of src, checked: who may include whom, and what the pure modules may not touch.

base < net < ppp < session < config; base < crypto; net, crypto < esp < keying < session; io sees net and base; dataplane
sees io and esp; app sees all. The pure modules (all but io, dataplane and app) make no system call, read no clock, print
nothing and start no thread. Tests live by the rules of their module, but may print.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAY_INCLUDE = {
    "base": {"base"},
    "net": {"base", "net"},
    "crypto": {"base", "crypto"},
    "esp": {"base", "net", "crypto", "esp"},
    "keying": {"base", "net", "crypto", "esp", "keying"},
    "ppp": {"base", "net", "ppp"},
    "session": {"base", "net", "crypto", "esp", "keying", "ppp", "session"},
    "config": {"base", "net", "crypto", "ppp", "session", "config"},
    "io": {"base", "net", "io"},
    "dataplane": {"base", "net", "crypto", "esp", "io", "dataplane"},
    "app": {"base", "net", "crypto", "esp", "keying", "ppp", "session", "config", "io", "dataplane", "app"},
}
PURE = {"base", "net", "crypto", "esp", "keying", "ppp", "session", "config"}

QUOTED = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
ANGLED = re.compile(r"^\s*#\s*include\s+<([^>]+)>")
# Headers that bring system calls, threads, printing or an event loop. <arpa/inet.h> is let in for its text functions,
# <sys/auxv.h> for what the kernel told the process of its processor, and <random> for seeded engines;
# std::random_device is refused below.
IMPURE_HEADER = re.compile(
    r"^(sys/(?!types\.h|cdefs\.h|auxv\.h).*|linux/.*|net/.*|netlink/.*|unistd\.h|fcntl\.h|poll\.h|pthread\.h|pty\.h|"
    r"signal\.h|csignal|spawn\.h|syslog\.h|termios\.h|time\.h|ctime|thread|mutex|shared_mutex|condition_variable|future|"
    r"iostream|fstream|cstdio|stdio\.h|filesystem|asio.*|spdlog/.*|fmt/(?:os|ostream|std)\.h)$")
# An `Instant now` parameter is how time comes in; the call of a clock is what is refused.
CLOCK_CALL = re.compile(r"\b(?:\w*_?[cC]lock(?:\w*)::now|clock_gettime|gettimeofday|std::time)\s*\(")
OUTPUT_CALL = re.compile(r"(?<![\w.>])(?:std::)?(?:printf|fprintf|puts|fputs|getenv|system|fork|exit)\s*\(|\bfmt::print\s*\(|\bstd::(?:cout|cerr|clog|random_device)\b")
COMMENT = re.compile(r"//.*$")
# What must report a broken promise and end the process is the one place that prints.
MAY_PRINT = {"src/base/check.cc", "src/base/check.h"}


def findings(path):
    module = path.relative_to(ROOT / "src").parts[0]
    name = str(path.relative_to(ROOT))
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if module not in MAY_INCLUDE:
            yield f"{name}:1: no layer is known for module {module}; tools/check_layering.py has the list"
            return
        if match := QUOTED.match(line):
            target = match[1].split("/")[0]
            if not (ROOT / "src" / match[1]).exists():
                yield f'{name}:{number}: "{match[1]}" is not below src; paths of includes are rooted there'
            elif target not in MAY_INCLUDE[module]:
                yield f"{name}:{number}: {module} may not include {target} ({match[1]})"
        if module not in PURE or name in MAY_PRINT:
            continue
        code = COMMENT.sub("", line)
        if (match := ANGLED.match(line)) and IMPURE_HEADER.match(match[1]):
            yield f"{name}:{number}: {module} is pure and may not include <{match[1]}>"
        if match := CLOCK_CALL.search(code):
            yield f"{name}:{number}: {module} is pure and may not read a clock ({match[0]}); time is a parameter"
        if not name.endswith("_test.cc") and (match := OUTPUT_CALL.search(code)):
            yield f"{name}:{number}: {module} is pure and may not call {match[0]}"


def main():
    sources = sorted(p for p in (ROOT / "src").rglob("*") if p.suffix in (".cc", ".h"))
    found = [finding for path in sources for finding in findings(path)]
    print("\n".join(found), end="\n" if found else "")
    print(f"layering: {len(sources)} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
