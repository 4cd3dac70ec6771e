// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/transform_reader.h"

#include "engine/config/dialect_import.h"
#include "engine/config/number_text.h"
#include "engine/config/transform_dialect.h"
#include "engine/config/yaml_values.h"
#include "engine/error.h"
#include "engine/scripted/scripted_search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace engine {

namespace {

/// By the look of it: there is no schema to ask.
ParamValue unchecked_value(const YamlNode& node) {
  if (node.is_null()) return {};
  if (node.kind == YamlKind::sequence && node.items.size() == 2) {
    const NumberText low = read_number(node.items[0]->text);
    const NumberText high = read_number(node.items[1]->text);
    if (low.is_number() && high.is_number()) return RealPair{*low.real, *high.real};
  }
  if (!node.is_plain()) return node.text;
  if (node.text == "true" || node.text == "false") return node.text == "true";
  const NumberText number = read_number(node.text);
  if (number.whole) return *number.whole;
  if (number.real) return *number.real;
  return node.text;
}

}  // namespace

TransformReader::TransformReader(const YamlDocument& document,
                                 const std::vector<ParadigmInfo>& infos, ParsedTransform& parsed)
    : document_(document),
      infos_(infos),
      names_(paradigm_names(infos)),
      config_(parsed.config),
      problems_(parsed.problems) {}

void TransformReader::read() {
  const YamlNode& root = *document_.root();
  if (!root.is_map()) {
    report("bad-yaml", document_.place(root), root.text,
           root.is_null() ? "the file is empty" : "a transform configuration is a map",
           "Write layer_name_to_config: and below it one rule a pattern");
    return;
  }
  if (!is_toml_name(document_.file()) && hints_at_mistyped_header(root)) return;
  config_.dialect =
      is_toml_name(document_.file()) ? TransformDialect::c3_sections : dialect_of(root);
  switch (config_.dialect) {
    case TransformDialect::c1_pattern_map:
      read_header(root);
      return;
    case TransformDialect::c2_bare_map:
      read_rules(root);
      return;
    case TransformDialect::unknown:
      report_unknown(root);
      return;
    default:
      import_dialect(*this, root);
  }
}

void TransformReader::report(const char* id, Place place, std::string value, std::string message,
                             std::string remedy) {
  problems_.push_back(
      problem_at(id, std::move(place), std::move(value), std::move(message), std::move(remedy)));
}

bool TransformReader::hints_at_mistyped_header(const YamlNode& root) {
  if (root.find("layer_name_to_config")) return false;
  for (const YamlPair& pair : root.pairs) {
    if (nearest_name(pair.key->text, {"layer_name_to_config"}).empty()) continue;
    report("bad-value", document_.place(*pair.key), pair.key->text,
           fmt::format("unknown key {}", pair.key->text), "Did you mean layer_name_to_config?");
    return true;
  }
  return false;
}

void TransformReader::report_unknown(const YamlNode& root) {
  const YamlPair* odd = nullptr;
  for (const YamlPair& pair : root.pairs)
    if (!pair.value->is_map() && !pair.value->is_null()) odd = odd ? odd : &pair;
  report("bad-value", odd ? document_.place(*odd->key) : document_.place(root),
         odd ? odd->key->text : "",
         odd ? fmt::format("{} is not a rule: a rule is a map of values, or null", odd->key->text)
             : "there are no rules",
         "Write layer_name_to_config: and below it one rule a pattern");
}

void TransformReader::read_header(const YamlNode& root) {
  static const std::vector<std::string> known{"use_regex", "layer_name_to_config",
                                              "transform_flavor", "paradigm"};
  const YamlNode* rules = nullptr;
  for (const YamlPair& pair : root.pairs) {
    const std::optional<std::string> key = read_yaml_key(*pair.key, document_, problems_);
    if (!key) continue;
    if (*key == "use_regex") {
      if (const auto value =
              read_yaml_value(boolean("use_regex", true), pair, document_, problems_))
        config_.use_regex = std::get<bool>(*value);
    } else if (*key == "transform_flavor") {
      read_flavor(pair);
    } else if (*key == "paradigm") {
      if (const auto value = read_yaml_value(text("paradigm", unset), pair, document_, problems_))
        file_paradigm_ =
            named_paradigm(std::get<std::string>(*value), document_.place(pair.value_offset));
    } else if (*key == "layer_name_to_config") {
      rules = pair.value;
    } else {
      const std::string near = nearest_name(*key, known);
      report("bad-value", document_.place(*pair.key), *key, fmt::format("unknown key {}", *key),
             near.empty() ? fmt::format("Known here: {}", fmt::join(known, ", "))
                          : fmt::format("Did you mean {}?", near));
    }
  }
  if (rules && rules->is_map()) {
    read_rules(*rules);
  } else if (rules) {
    report("bad-value", document_.place(*rules), rules->text,
           "layer_name_to_config must be a map of patterns",
           "Write one `pattern: values` below it");
  }
}

void TransformReader::read_flavor(const YamlPair& pair) {
  if (pair.value->kind == YamlKind::scalar && pair.value->text == "fc") return;
  report("bad-value", document_.place(pair.value_offset), pair.value->text,
         fmt::format("transform_flavor is {}, but must be fc",
                     pair.value->is_null() ? "null" : pair.value->text),
         "Remove it; it changes nothing");
}

void TransformReader::read_rules(const YamlNode& map) {
  for (const YamlPair& pair : map.pairs) {
    const std::optional<std::string> pattern = read_yaml_key(*pair.key, document_, problems_);
    if (!pattern) continue;
    TransformRule rule;
    rule.pattern = *pattern;
    rule.place = document_.place(*pair.key);
    if (pair.value->is_null()) {
      rule.leave_alone = true;
    } else if (pair.value->is_map()) {
      read_values(*pair.value, rule);
    } else {
      report(
          "bad-value", document_.place(pair.value_offset), pair.value->text,
          fmt::format("the value of {} must be a map of values, or null to leave the layer alone",
                      *pattern),
          pair.value->kind == YamlKind::scalar &&
                  (pair.value->text == "None" || pair.value->text == "none")
              ? "Write null"
              : "");
    }
    config_.rules.push_back(std::move(rule));
  }
}

void TransformReader::read_values(const YamlNode& map, TransformRule& rule) {
  std::vector<std::string> keys;
  std::vector<const YamlPair*> values;
  std::string explicit_id;
  for (const YamlPair& pair : map.pairs) {
    const std::optional<std::string> key = read_yaml_key(*pair.key, document_, problems_);
    if (!key) continue;
    if (*key != "paradigm") {
      keys.push_back(*key);
      values.push_back(&pair);
    } else if (const auto value =
                   read_yaml_value(text("paradigm", unset), pair, document_, problems_)) {
      explicit_id =
          named_paradigm(std::get<std::string>(*value), document_.place(pair.value_offset));
    } else {
      return;
    }
  }
  if (explicit_id.empty()) explicit_id = rule.paradigm;  // an importer's
  const ParadigmInfo* info = choose_paradigm(explicit_id, keys, rule);
  if (!info) {
    // Of a paradigm that is not built in: kept as it is written.
    if (!rule.paradigm.empty())
      for (const YamlPair* pair : values)
        rule.values.set(pair->key->text, unchecked_value(*pair->value),
                        document_.place(pair->value_offset));
    return;
  }
  rule.paradigm = info->id;
  for (const YamlPair* pair : values) read_value(*info, *pair, rule);
  for (Problem problem : problems_in(info->schema, rule.values)) {
    if (problem.place.line == 0) problem.place = rule.place;
    problems_.push_back(std::move(problem));
  }
}

std::string TransformReader::named_paradigm(const std::string& value, const Place& place) {
  const auto earlier = ids_.find(value);
  if (earlier != ids_.end()) return earlier->second;
  std::string id = value;
  std::vector<Problem> found;
  try {
    const auto file =
        find_paradigm(infos_, value) ? std::nullopt : find_scripted_file(value, document_.file());
    if (file) {
      id = file->id;
      found = take_scripted(read_scripted_file(file->file, file->id));
    } else {
      found = problems_with_paradigm(value, names_);
    }
  } catch (const Error& error) {
    found = error.problems();
  }
  for (Problem& problem : found) {
    if (!problem.place.file.empty() &&
        problem.message.find(problem.place.file) == std::string::npos)
      problem.message = problem.place.file + ": " + problem.message;
    problem.place = place;
    problems_.push_back(std::move(problem));
  }
  ids_[value] = id;
  return id;
}

std::vector<Problem> TransformReader::take_scripted(std::shared_ptr<const ScriptedFile> file) {
  const ParadigmInfo* twin = known_paradigm(file->info.id);
  if (twin != nullptr && twin->digest == file->sha256) return {};
  if (twin != nullptr) {
    Problem problem;
    problem.id = "unknown-paradigm";
    problem.value = file->path.string();
    problem.message =
        fmt::format("{} has the name of another paradigm, {}", file->path.string(), file->info.id);
    problem.remedy = "Rename the file";
    return {problem};
  }
  config_.scripted.push_back(std::move(file));
  return {};
}

const ParadigmInfo* TransformReader::known_paradigm(const std::string& id) const {
  for (const ScriptedFilePtr& file : config_.scripted)
    if (file->info.id == id) return &file->info;
  return find_paradigm(infos_, id);
}

const ParadigmInfo* TransformReader::choose_paradigm(const std::string& explicit_id,
                                                     const std::vector<std::string>& keys,
                                                     TransformRule& rule) {
  if (!explicit_id.empty() || !file_paradigm_.empty()) {
    rule.paradigm_source = explicit_id.empty() ? ParadigmSource::file : ParadigmSource::rule;
    rule.paradigm = explicit_id.empty() ? file_paradigm_ : explicit_id;
    return known_paradigm(rule.paradigm);
  }
  rule.paradigm_source = ParadigmSource::inferred;
  const std::vector<std::string> inferred = inferred_paradigms(keys, names_);
  if (inferred.size() == 1) {
    for (Problem problem : problems_with_paradigm(inferred[0], names_)) {
      rule.paradigm = inferred[0];
      problem.place = rule.place;
      problem.message = fmt::format("the keys of {} belong to {}: {}", rule.pattern, inferred[0],
                                    problem.message);
      problems_.push_back(std::move(problem));
    }
    return find_paradigm(infos_, inferred[0]);
  }
  if (inferred.empty() && report_mistyped_key(keys, rule)) return nullptr;
  report("no-paradigm", rule.place, rule.pattern,
         inferred.empty()
             ? fmt::format("the keys of {} do not tell which paradigm is meant", rule.pattern)
             : fmt::format("the keys of {} belong to several paradigms: {}", rule.pattern,
                           fmt::join(inferred, ", ")),
         fmt::format("Add the key paradigm, for example `paradigm: {}`",
                     inferred.empty() ? (infos_.empty() ? "" : infos_[0].id) : inferred[0]));
  return nullptr;
}

/// A rule whose only key is misspelt must be told the key, not asked for a paradigm.
bool TransformReader::report_mistyped_key(const std::vector<std::string>& keys,
                                          const TransformRule& rule) {
  for (const std::string& key : keys)
    for (const ParadigmInfo& info : infos_) {
      const std::string near = info.schema.nearest(key);
      if (near.empty() || near == key) continue;
      report("bad-value", rule.place, key,
             fmt::format("unknown key {} in the rule {}", key, rule.pattern),
             fmt::format("Did you mean {}?", near));
      return true;
    }
  return false;
}

void TransformReader::read_value(const ParadigmInfo& info, const YamlPair& pair,
                                 TransformRule& rule) {
  const ParamSpec* spec = info.schema.find(pair.key->text);
  if (!spec) {
    std::vector<std::string> known{"paradigm"};
    for (const ParamSpec& each : info.schema.specs()) known.push_back(each.name);
    const std::string near = nearest_name(pair.key->text, known);
    report("bad-value", document_.place(*pair.key), pair.key->text,
           fmt::format("unknown key {} of {}", pair.key->text, info.id),
           near.empty() ? fmt::format("Known: {}", fmt::join(known, ", "))
                        : fmt::format("Did you mean {}?", near));
    return;
  }
  if (const std::optional<ParamValue> value = read_yaml_value(*spec, pair, document_, problems_))
    rule.values.set(spec->name, *value, document_.place(pair.value_offset));
}

void TransformReader::note(Place place, std::string message) {
  report("imported", std::move(place), "", std::move(message));
  problems_.back().severity = Severity::note;
}

void TransformReader::add_rule(std::string pattern, const Place& place, const YamlNode* values,
                               const std::string& paradigm) {
  TransformRule rule;
  rule.pattern = std::move(pattern);
  rule.place = place;
  rule.leave_alone = values == nullptr;
  if (values) {
    rule.paradigm = named_paradigm(paradigm, place);
    if (values->is_map()) read_values(*values, rule);
    rule.paradigm_source = ParadigmSource::file;
  }
  config_.rules.push_back(std::move(rule));
}

}  // namespace engine
