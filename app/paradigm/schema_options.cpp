// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/schema_options.h"

#include "app/paradigm/output.h"
#include "engine/config/output_file.h"
#include "engine/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>

namespace paradigm {
namespace {

using engine::ParamKind;
using engine::ParamSpec;

/// "--name", and "--na-me" where that is another spelling.
std::string spellings(const std::string& name) {
  const std::string other = engine::dashed(name);
  return other == name ? "--" + name : "--" + name + ",--" + other;
}

std::string kind_word(const ParamSpec& spec) {
  switch (spec.kind) {
    case ParamKind::boolean:
      return "[true|false]";
    case ParamKind::integer:
      return "INT";
    case ParamKind::real:
    case ParamKind::probability:
      return "NUMBER";
    case ParamKind::choice:
      return fmt::format("{{{}}}", fmt::join(spec.choices, "|"));
    case ParamKind::real_pair:
      return "LOW,HIGH";
    case ParamKind::text:
      return "TEXT";
    case ParamKind::path:
      return "PATH";
  }
  return "";
}

std::string help_of(const ParamSpec& spec) {
  std::string text = spec.help_text;
  std::vector<std::string> facts;
  if (spec.is_required) facts.push_back("required");
  if (engine::is_set(spec.default_value)) {
    facts.push_back("default " + engine::to_string(spec.default_value));
  }
  const std::string range = spec.kind == ParamKind::choice ? "" : engine::allowed_range(spec);
  if (!range.empty()) facts.push_back("in " + range);
  if (!spec.unit_text.empty()) facts.push_back(spec.unit_text);
  if (!facts.empty()) text += fmt::format(" ({})", fmt::join(facts, "; "));
  return text;
}

}  // namespace

engine::ParamValues checked_values(const SchemaOptions& flags) {
  std::vector<engine::Problem> problems;
  engine::ParamValues values = flags.values(problems);
  const auto more = problems_in(flags.schema(), values);
  problems.insert(problems.end(), more.begin(), more.end());
  print_or_throw(problems);
  return values;
}

std::optional<std::string> checked_output_file(const engine::ParamValues& values,
                                               const std::string& name) {
  if (!is_set(values.get(name))) return std::nullopt;
  const std::string file = values.get_text(name);
  if (const auto problem = engine::output_file_problem("--" + name, file))
    throw engine::Error(*problem);
  return file;
}

std::shared_ptr<SchemaOptions> add_schema_options(CLI::App& app,
                                                  const engine::ParamSchema& schema) {
  auto options = std::make_shared<SchemaOptions>(schema);
  SchemaOptions* const result = options.get();
  for (const ParamSpec& spec : schema.specs()) {
    const bool is_boolean = spec.kind == ParamKind::boolean;
    const std::string group = !spec.refused_because.empty() ? "" : spec.group_name;
    app.add_option_function<std::string>(
           spellings(spec.name),
           [result, &spec](const std::string& text) {
             result->given_.push_back({&spec, text, false});
           },
           help_of(spec))
        ->expected(is_boolean ? 0 : 1, 1)
        ->type_name(kind_word(spec))
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->group(group);
    if (engine::has_negation(spec)) {
      app.add_flag_callback(
             spellings("no_" + spec.name),
             [result, &spec] {
               result->given_.push_back({&spec, "", true});
             },
             "The same as --" + spec.name + " false")
          ->group(group);
    }
  }
  return options;
}

}  // namespace paradigm
