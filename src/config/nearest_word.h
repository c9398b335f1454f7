// The known word that a mistyped one was probably meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace isthmus::config {

// ", did you mean 'accept'?" if one of `known` is near enough, or nothing.
std::string suggestion(std::string_view typed, std::span<const std::string_view> known);

}  // namespace isthmus::config
