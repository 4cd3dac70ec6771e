// SPDX-License-Identifier: GPL-3.0-or-later
// A ParamSchema as the words of a command line, there and back: what is copied from the workbench
// and what `paradigm` reads is the same rule.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/problem.h"

#include <string>
#include <utility>
#include <vector>

namespace engine {

/// A flag as it stands on a command line.
struct GivenFlag {
  const ParamSpec* spec = nullptr;
  std::string text{};       ///< the word behind it; empty: it stands alone
  bool is_negated = false;  ///< --no_name
};

/// "max-steps" for max_steps: the other spelling of a flag's name.
std::string dashed(std::string name);
/// Whether --no_name is declared for it.
bool has_negation(const ParamSpec& spec);

/// The values with Place{file = "--flag"}; the last one wins where a flag is repeated. Values that
/// cannot be read become problems; ranges and refused flags are problems_in(schema)'s part.
ParamValues values_of_flags(const std::vector<GivenFlag>& given, std::vector<Problem>& problems);

/// Flags that a command has beside its schema, such as --config: name, and whether it takes a word.
using OtherFlags = std::vector<std::pair<std::string, bool>>;

struct FlagWords {
  std::vector<GivenFlag> given;
  std::vector<std::pair<std::string, std::string>>
      others;                     ///< the OtherFlags found, with their word
  std::vector<Problem> problems;  ///< unknown flags, words that belong to none, a missing word
};

/// `--name value`, `--name=value`, also `--na-me`; a boolean's value may be left out. The schema
/// must outlive the result.
FlagWords read_flag_words(const ParamSchema& schema, const std::vector<std::string>& words,
                          const OtherFlags& others = {});

/// What gives `values` their place on a command line: "--bf16", "--max_steps", "50"; in the
/// schema's order. `with_defaults` adds every flag that has a default; refused ones stay out.
std::vector<std::string> flag_words(const ParamSchema& schema, const ParamValues& values,
                                    bool with_defaults = false);

}  // namespace engine
