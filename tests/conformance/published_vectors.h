// Test vectors that others published, read from where they are: Project Wycheproof beside the repository,
// those of Debian's python3-cryptography-vectors (CAVP, RFCs, OpenSSL, BoringSSL) where its python says.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace isthmus {

// Where Wycheproof's files are if they are there. Tests are run from the repository's root.
inline constexpr std::string_view kWycheproof = "../shared/vectors/wycheproof";

// Empty if the package is not installed.
std::filesystem::path cryptography_vectors();

// "Name = value" lines, names in lower case. A line without "=" is a name with an empty value.
using Record = std::map<std::string, std::string, std::less<>>;

// The records of a file, each begun by a line "Count = n". What stands in brackets before is left out: it is
// seen in the lengths of the values. Empty if there is no such file.
std::vector<Record> read_records(const std::filesystem::path& path);

// The octets of a value: hexadecimal digits, or characters between quotes. Nothing if the record lacks it.
Bytes octets_of(const Record& record, std::string_view name);

}  // namespace isthmus
