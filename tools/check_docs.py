#!/usr/bin/python3
"""The manual, held to the program's own tables: exit codes, options, commands, keys of the files, published numbers."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIG = ROOT / "src/config"


def read(path):
    return (ROOT / path).read_text()


def unfolded(text):
    """The source with adjacent string literals joined, as the compiler sees them."""
    return re.sub(r'"\s*\n\s*"', "", text)


def section(page, name):
    match = re.search(rf"^\.Sh {name}\n(.*?)(?=^\.Sh |\Z)", page, re.M | re.S)
    if match is None:
        sys.exit(f"check_docs: the manual has no section {name}")
    return match[1]


def exit_codes():
    numbers = dict(re.findall(r"\b(k\w+) = (\d+)", re.search(r"enum class ExitCode.*?\};", read("src/config/exit_codes.h"), re.S)[0]))
    rows = re.findall(r'ExitCodeRow\{ExitCode::(k\w+),\s*"([^"]*)",\s*"([^"]*)"\}', unfolded(read("src/config/exit_codes.cc")))
    if len(rows) != len(numbers):
        sys.exit("check_docs: not every exit code is in the table of exit_codes.cc")
    return {(numbers[code], name, meaning) for code, name, meaning in rows}


def manual_exit_codes(page):
    return set(re.findall(r"^\.It (\d+) (\S+)\n(.*)$", section(page, "EXIT STATUS"), re.M))


def options():
    """Every flag of every command but `ppp`, as the command-line parser declares it."""
    text = read("src/config/up_words.cc") + read("src/config/command_line.cc")
    declared = re.findall(r'(?:add_option|add_flag|set_help_flag)\("([^"]*)"|add_list\(app, "([^"]*)"', text)
    return {flag for names in declared for flag in "".join(names).split(",") if flag.startswith("-")}


def manual_options(page):
    return {f"-{flag}" for item in re.findall(r"^\.It (Fl .*)$", page, re.M) for flag in re.findall(r"\bFl (-?[\w-]+)", item)}


def help_options():
    """The long options that the help texts name at the beginning of a line or in an example."""
    text = re.sub(r'constexpr std::string_view kPpp.*?\)";', "", read("src/config/help_text.cc"), flags=re.S)
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def commands():
    rows = re.findall(r'CommandRow\{"([a-z]+)"', read("src/config/command_line.cc"))
    return set(rows)


def manual_commands(page):
    return set(re.findall(r"^\.It Cm (\w+)$", section(page, "COMMANDS"), re.M))


def ppp_words_of_help():
    text = re.search(r'kPpp = R"\((.*?)\n\n', read("src/config/help_text.cc"), re.S)[1]
    listed = re.search(r"are pppd's: (.*?)\. Exit", text, re.S)[1]
    return set(listed.split())


def manual_ppp_words(page):
    text = section(page, "PPP")
    listed = text[text.index("with their meanings:"):]
    return {word for line in re.findall(r"^\.Cm (.*)$", listed, re.M) for word in line.split() if word != "."}


def ppp_words_understood():
    return set(re.findall(r'(?:Flag|Valued)\{"([^"]+)"', read("src/config/ppp_options.cc")))


def keys(kind):
    return set(re.findall(rf'{kind}\{{"(\w+)"', read("src/config/peer_file.cc")))


def manual_keys(page, name):
    return set(re.findall(r"^\.It Cm (\w+) No =", section(page, name), re.M))


def numbers():
    constants = {name: int(value) for name, value in re.findall(r"\b(k\w+) =\s*(\d+);", read("src/net/host_change.h"))}
    last = constants["kMaxSlots"] - 1
    return {"protocol " + str(constants["kRouteProtocol"]), f"table {constants['kFirstTable']}",
            f"priority {constants['kFirstTunnelPriority']}", f"priority {constants['kFirstOuterPriority']}",
            f"metric {constants['kTunnelMetric']}", f"metric {constants['kFallbackMetric']}",
            f"to {constants['kFirstTable'] + last}", f"to {constants['kFirstOuterPriority'] + last}"}


def manual_numbers(page):
    text = section(page, "NUMBERS")
    return set(re.findall(r"^\.It (\w+ \d+)$", text, re.M)) | set(re.findall(r"^(to \d+):", text, re.M))


def broken_links():
    """Links of the pages to files that are not there."""
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            if not (page.parent / target).exists():
                yield f"{page.relative_to(ROOT)}: link to {target}, which is not there"


def main():
    page, files = read("docs/man/isthmus.8"), read("docs/man/isthmus.toml.5")
    found = list(broken_links())

    def compare(what, program, manual):
        if not program:
            found.append(f"{what}: nothing was found in the program: has its table moved?")
        found.extend(f"{what}: the manual lacks {item}" for item in sorted(program - manual))
        found.extend(f"{what}: only the manual has {item}" for item in sorted(manual - program))

    compare("exit codes", exit_codes(), manual_exit_codes(page))
    compare("options", options(), manual_options(page))
    compare("commands", commands(), manual_commands(page))
    compare("words of ppp", ppp_words_of_help(), manual_ppp_words(page))
    compare("keys of peer files", keys("PeerKey"), manual_keys(files, "PEER FILES"))
    compare("keys of policy.toml", keys("SiteKey"), manual_keys(files, "POLICY.TOML"))
    compare("numbers", numbers(), manual_numbers(page))
    found.extend(f"help: {flag} is no option" for flag in sorted(help_options() - options()))
    found.extend(f"help of ppp: {word} is not understood" for word in sorted(ppp_words_of_help() - ppp_words_understood()))

    for line in found:
        print(line)
    print(f"docs: {len(found)} disagreements with the program")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
