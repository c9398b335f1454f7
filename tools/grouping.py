"""Which source files can be compiled as one, so that the headers of the system are read once for all of them.

Two files cannot where both declare one name in their unnamed namespaces, nor where what one declares there would hide, or be
taken for, what the other means by that name.
"""
import re

UNNAMED = re.compile(r"^namespace \{$(.*?)^\}  // namespace$", re.M | re.S)
# What a line that starts at the margin declares: a type, an alias, a function, a constant or a variable.
DECLARED = re.compile(
    r"^(?:(?:class|struct|enum(?: class)?|using) (\w+)"
    r"|(?!using|template|namespace)[\w:].*?\b(\w+)(?:\(|\{| = |\[|;))", re.M)
PROSE = re.compile(r'//.*|"(?:[^"\\]|\\.)*"')
# A type, a constant or a call, not of a member and not qualified.
USED = re.compile(r"(?<![\w.:>])(?:([A-Z]\w*[a-z]\w*|k[A-Z]\w*)\b|(\w+)\()")


class Source:
    """A source file: its size, the names that only it may use, and those it uses. Sources of another `kind` never go together."""

    def __init__(self, path, kind=None):
        text = path.read_text()
        self.path = path
        self.kind = kind
        self.size = len(text)
        self.names = {a or b for body in UNNAMED.findall(text) for a, b in DECLARED.findall(body)}
        self.used = {a or b for a, b in USED.findall(PROSE.sub("", text))}

    def goes_with(self, other):
        return self.kind == other.kind and not self.names & (other.names | other.used) and not other.names & self.used


def grouped(sources, most):
    """The sources in groups of at most `most` octets whose members all go with one another."""
    groups = []
    for source in sources:
        for group in groups:
            if sum(s.size for s in group) + source.size <= most and all(source.goes_with(s) for s in group):
                group.append(source)
                break
        else:
            groups.append([source])
    return sorted(groups, key=lambda group: -sum(s.size for s in group))
