// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/number_check.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace paradigm {
namespace {

template <typename Number>
std::optional<Number> read(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

}  // namespace

CLI::Validator number_in(double least, double most) {
  const auto complaint = [least, most](const std::string& text) {
    const auto number = read<double>(text);
    return number && *number >= least && *number <= most
               ? std::string()
               : fmt::format("\"{}\" is not a number from {} to {}", text, least, most);
  };
  return CLI::Validator(complaint, "");
}

CLI::Validator whole_number_from(std::int64_t least) {
  const auto complaint = [least](const std::string& text) {
    const auto number = read<std::int64_t>(text);
    return number && *number >= least
               ? std::string()
               : fmt::format("\"{}\" is not a whole number of at least {}, of 64 bits", text,
                             least);
  };
  return CLI::Validator(complaint, "");
}

}  // namespace paradigm
