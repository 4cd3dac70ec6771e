// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/transform_config.h"

#include "engine/config/rule_paradigm.h"
#include "engine/config/transform_dialect.h"
#include "engine/config/yaml_values.h"
#include "engine/error.h"
#include "engine/scripted/scripted_search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace engine {
namespace {

class TransformReader {
 public:
  TransformReader(const YamlDocument& document, const std::vector<ParadigmInfo>& infos,
                  ParsedTransform& parsed)
      : document_(document),
        infos_(infos),
        names_(paradigm_names(infos)),
        config_(parsed.config),
        problems_(parsed.problems) {}

  void read() {
    const YamlNode& root = *document_.root();
    if (!root.is_map()) {
      report("bad-yaml", document_.place(root), root.text,
             root.is_null() ? "the file is empty" : "a transform configuration is a map",
             "Write layer_name_to_config: and below it one rule a pattern");
      return;
    }
    if (hints_at_mistyped_header(root)) return;
    const DiskDialect dialect = dialect_of(root);
    switch (dialect) {
      case DiskDialect::c1_pattern_map:
        read_header(root);
        return;
      case DiskDialect::c2_bare_map:
        config_.dialect = TransformDialect::c2_bare_map;
        read_rules(root);
        return;
      case DiskDialect::unknown:
        report_unknown(root);
        return;
      default:
        refuse_dialect(dialect, document_.place(root));
    }
  }

  void refuse_dialect(DiskDialect dialect, const Place& place) {
    report("unsupported-dialect", place, "",
           fmt::format("this is a {}, which cannot be read yet", describe(dialect)),
           "Write the rules as patterns below layer_name_to_config");
  }

 private:
  void report(const char* id, Place place, std::string value, std::string message,
              std::string remedy = "") {
    problems_.push_back(
        problem_at(id, std::move(place), std::move(value), std::move(message), std::move(remedy)));
  }

  bool hints_at_mistyped_header(const YamlNode& root) {
    if (root.find("layer_name_to_config")) return false;
    for (const YamlPair& pair : root.pairs) {
      if (nearest_name(pair.key->text, {"layer_name_to_config"}).empty()) continue;
      report("bad-value", document_.place(*pair.key), pair.key->text,
             fmt::format("unknown key {}", pair.key->text), "Did you mean layer_name_to_config?");
      return true;
    }
    return false;
  }

  void report_unknown(const YamlNode& root) {
    const YamlPair* odd = nullptr;
    for (const YamlPair& pair : root.pairs)
      if (!pair.value->is_map() && !pair.value->is_null()) odd = odd ? odd : &pair;
    report("bad-value", odd ? document_.place(*odd->key) : document_.place(root),
           odd ? odd->key->text : "",
           odd ? fmt::format("{} is not a rule: a rule is a map of values, or null", odd->key->text)
               : "there are no rules",
           "Write layer_name_to_config: and below it one rule a pattern");
  }

  void read_header(const YamlNode& root) {
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

  void read_flavor(const YamlPair& pair) {
    if (pair.value->kind == YamlKind::scalar && pair.value->text == "fc") return;
    report("bad-value", document_.place(pair.value_offset), pair.value->text,
           fmt::format("transform_flavor is {}, but must be fc",
                       pair.value->is_null() ? "null" : pair.value->text),
           "Remove it; it changes nothing");
  }

  void read_rules(const YamlNode& map) {
    for (const YamlPair& pair : map.pairs) {
      const std::optional<std::string> pattern = read_yaml_key(*pair.key, document_, problems_);
      if (!pattern) continue;
      TransformRule rule;
      rule.pattern = *pattern;
      rule.place = document_.place(*pair.key);
      if (pair.value->is_null()) {
        rule.leave_alone = true;
      } else if (pair.value->is_map()) {
        read_values(pair, rule);
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

  void read_values(const YamlPair& rule_pair, TransformRule& rule) {
    std::vector<std::string> keys;
    std::vector<const YamlPair*> values;
    std::string explicit_id;
    for (const YamlPair& pair : rule_pair.value->pairs) {
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
    const ParadigmInfo* info = choose_paradigm(explicit_id, keys, rule);
    if (!info) return;
    rule.paradigm = info->id;
    for (const YamlPair* pair : values) read_value(*info, *pair, rule);
    for (Problem problem : problems_in(info->schema, rule.values)) {
      if (problem.place.line == 0) problem.place = rule.place;
      problems_.push_back(std::move(problem));
    }
  }

  /// The id that the value of a key `paradigm` means: a built-in one's, or that of the TorchScript
  /// file it names, which is read. The value itself after a problem was reported.
  std::string named_paradigm(const std::string& value, const Place& place) {
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

  std::vector<Problem> take_scripted(ScriptedFilePtr file) {
    const ParadigmInfo* twin = known_paradigm(file->info.id);
    if (twin != nullptr && twin->digest == file->sha256) return {};
    if (twin != nullptr) {
      Problem problem;
      problem.id = "unknown-paradigm";
      problem.value = file->path.string();
      problem.message = fmt::format("{} has the name of another paradigm, {}", file->path.string(),
                                    file->info.id);
      problem.remedy = "Rename the file";
      return {problem};
    }
    config_.scripted.push_back(std::move(file));
    return {};
  }

  /// Built in, or brought along by this file.
  const ParadigmInfo* known_paradigm(const std::string& id) const {
    for (const ScriptedFilePtr& file : config_.scripted)
      if (file->info.id == id) return &file->info;
    return find_paradigm(infos_, id);
  }

  /// Null after a problem was reported; at once for an explicit id and for the file's.
  const ParadigmInfo* choose_paradigm(const std::string& explicit_id,
                                      const std::vector<std::string>& keys, TransformRule& rule) {
    if (!explicit_id.empty() || !file_paradigm_.empty()) {
      rule.paradigm_source = explicit_id.empty() ? ParadigmSource::file : ParadigmSource::rule;
      return known_paradigm(explicit_id.empty() ? file_paradigm_ : explicit_id);
    }
    rule.paradigm_source = ParadigmSource::inferred;
    const std::vector<std::string> inferred = inferred_paradigms(keys, names_);
    if (inferred.size() == 1) {
      for (Problem problem : problems_with_paradigm(inferred[0], names_)) {
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
  bool report_mistyped_key(const std::vector<std::string>& keys, const TransformRule& rule) {
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

  void read_value(const ParadigmInfo& info, const YamlPair& pair, TransformRule& rule) {
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

  const YamlDocument& document_;
  const std::vector<ParadigmInfo>& infos_;
  const std::vector<ParadigmName> names_;
  TransformConfig& config_;
  std::vector<Problem>& problems_;
  std::string file_paradigm_;
  std::map<std::string, std::string> ids_;  ///< of values of `paradigm` met so far
};

/// A rule that is merged into several others by an anchor is checked once for each; one report is
/// enough.
void drop_repeated(std::vector<Problem>& problems) {
  std::set<std::string> seen;
  problems.erase(std::remove_if(problems.begin(), problems.end(),
                                [&](const Problem& problem) {
                                  return !seen.insert(to_string(problem)).second;
                                }),
                 problems.end());
}

}  // namespace

ParsedTransform parse_transform_config(const std::string& text, const std::string& file,
                                       const std::vector<ParadigmInfo>& infos) {
  ParsedTransform parsed;
  parsed.config.file = file;
  parsed.config.source_text = text;
  if (is_toml_name(file)) {
    const YamlDocument empty("", file, parsed.problems);
    TransformReader(empty, infos, parsed).refuse_dialect(DiskDialect::c3_sections, {file, 0, 0});
    return parsed;
  }
  const YamlDocument document(text, file, parsed.problems);
  if (document.root()) TransformReader(document, infos, parsed).read();
  drop_repeated(parsed.problems);
  return parsed;
}

ParsedTransform read_transform_config(const std::filesystem::path& file,
                                      const std::vector<ParadigmInfo>& infos) {
  const auto unreadable = [&](const std::string& why) {
    ParsedTransform parsed;
    parsed.config.file = file.string();
    parsed.problems.push_back(
        problem_at("unreadable-file", {file.string(), 0, 0}, file.string(),
                   fmt::format("the transform file {} cannot be read: {}", file.string(), why)));
    return parsed;
  };
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return unreadable("it is a folder");
  const YamlLimits limits;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error) return unreadable(error.message());
  if (size > limits.bytes)
    return unreadable(fmt::format("{} bytes are more than a configuration may have", size));
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (!stream) return unreadable(std::strerror(errno));
  text << stream.rdbuf();
  if (stream.bad()) return unreadable("reading failed");
  return parse_transform_config(text.str(), file.string(), infos);
}

Place place_in_pattern(const TransformConfig& config, const TransformRule& rule,
                       std::size_t index) {
  if (rule.place.line == 0) return rule.place;
  const TextPlaces places(config.source_text);
  const std::size_t start = places.offset(rule.place.line, rule.place.column);
  return places.at(offset_in_scalar(config.source_text, start, index), rule.place.file);
}

}  // namespace engine
