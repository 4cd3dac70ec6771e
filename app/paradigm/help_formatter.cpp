// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/help_formatter.h"

#include <algorithm>
#include <sstream>

namespace paradigm {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kNameColumns = 38;

std::string wrapped(const std::string& text, std::size_t width) {
  std::string result;
  std::string line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      result += line + "\n";
      line.clear();
    }
    line += line.empty() ? word : " " + word;
  }
  return result + line;
}

}  // namespace

HelpFormatter::HelpFormatter() { column_width(kNameColumns); }

std::string HelpFormatter::make_option_name(const CLI::Option* option, bool is_positional) const {
  const auto& names = option->get_lnames();
  if (is_positional || names.size() != 2) {
    return CLI::Formatter::make_option_name(option, is_positional);
  }
  std::string dashed = names[0];
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  return dashed == names[1] ? "--" + names[0]
                            : CLI::Formatter::make_option_name(option, is_positional);
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  return wrapped(CLI::Formatter::make_option_desc(option), kColumns - kNameColumns);
}

}  // namespace paradigm
