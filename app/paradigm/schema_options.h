// SPDX-License-Identifier: GPL-3.0-or-later
// A ParamSchema as command-line flags of the same names, read as Hugging Face's argument parser
// reads them.
#pragma once

#include "engine/config/flag_words.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace paradigm {

/// What was given on the command line, in order, not yet read.
class SchemaOptions {
 public:
  explicit SchemaOptions(const engine::ParamSchema& schema) : schema_(schema) {}

  /// The values with Place{file = "--flag"}; the last one wins where a flag is repeated. Problems
  /// of reading a value are appended; ranges, refused flags and missing ones are
  /// problems_in(schema)'s part.
  engine::ParamValues values(std::vector<engine::Problem>& problems) const {
    return engine::values_of_flags(given_, problems);
  }
  const engine::ParamSchema& schema() const { return schema_; }

 private:
  friend std::shared_ptr<SchemaOptions> add_schema_options(CLI::App&, const engine::ParamSchema&);
  const engine::ParamSchema& schema_;
  std::vector<engine::GivenFlag> given_;
};

/// The values, which the schema has nothing against: throws Error with all errors, prints what else
/// there is to say.
engine::ParamValues checked_values(const SchemaOptions& flags);

/// The file that the value `name` gives, if it does; throws Error when it cannot be written.
std::optional<std::string> checked_output_file(const engine::ParamValues& values,
                                               const std::string& name);

/// Declares `--name` (also `--na-me`) for every parameter; a boolean also as `--name true|false`,
/// and as `--no_name` when it is true by default. `schema` must outlive the result. Flags that are
/// refused are known, but not in the help.
std::shared_ptr<SchemaOptions> add_schema_options(CLI::App& app, const engine::ParamSchema& schema);

}  // namespace paradigm
