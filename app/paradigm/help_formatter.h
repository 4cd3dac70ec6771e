// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace paradigm {

/// CLI11's help, wrapped to 100 columns and without the second spelling (--a-b beside --a_b) of a
/// flag.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace paradigm
