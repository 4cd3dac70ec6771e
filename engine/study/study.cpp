// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/study/study.h"

#include "engine/config/yaml_values.h"
#include "engine/printable.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace engine {
namespace {

const std::vector<std::string> kKeys{"base",  "output_dir", "set",   "axes",
                                     "seeds", "baseline",   "metric"};
const std::vector<std::string> kMetrics{"eval_loss", "perplexity", "eval_accuracy", "loss",
                                        "best_loss"};

/// What a folder's name can hold; anything else becomes a dash.
std::string name_part(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '+';
    name += is_plain ? c : c == '_' ? '_' : '-';
  }
  while (!name.empty() && (name.front() == '.' || name.front() == '-')) name.erase(0, 1);
  return name.empty() ? "x" : name;
}

class StudyParser {
 public:
  StudyParser(const std::string& text, const std::string& file, std::vector<Problem>& problems)
      : document_(text, file, problems), problems_(problems) {
    study_.file = file;
    study_.text = text;
    study_.metric = "eval_loss";
  }

  Study parse() {
    const YamlNode* root = document_.root();
    if (root == nullptr) return study_;
    if (!root->is_map()) {
      report(*root, "", "a study is a map", "It has the keys " + joined(kKeys));
      return study_;
    }
    for (const YamlPair& pair : root->pairs) read_key(pair);
    require(*root);
    return study_;
  }

 private:
  static std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
  }

  void report(const YamlNode& node, const std::string& value, const std::string& message,
              const std::string& remedy) {
    problems_.push_back(problem_at("bad-study", document_.place(node), value, message, remedy));
  }

  std::string source_of(const YamlNode& node) const {
    if (node.kind == YamlKind::null) return "null";
    if (node.kind == YamlKind::scalar) return node.text;
    std::string text;
    if (node.kind == YamlKind::sequence) {
      for (const YamlNode* item : node.items) {
        text += (text.empty() ? "" : ", ") + source_of(*item);
      }
      return "[" + text + "]";
    }
    for (const YamlPair& pair : node.pairs) {
      text += (text.empty() ? "" : ", ") + pair.key->text + ": " + source_of(*pair.value);
    }
    return "{" + text + "}";
  }

  StudySetting setting(const std::string& parameter, const YamlNode& value) {
    return {.parameter = parameter, .value = source_of(value), .place = document_.place(value)};
  }

  void read_key(const YamlPair& pair) {
    const auto key = read_yaml_key(*pair.key, document_, problems_);
    if (!key) return;
    const YamlNode& value = *pair.value;
    if (*key == "base") {
      read_text(value, "base", study_.base);
    } else if (*key == "output_dir") {
      read_text(value, "output_dir", study_.output);
    } else if (*key == "baseline") {
      read_text(value, "baseline", study_.baseline);
    } else if (*key == "metric") {
      read_text(value, "metric", study_.metric);
      if (std::count(kMetrics.begin(), kMetrics.end(), study_.metric) == 0) {
        report(value, study_.metric, "there is no metric " + study_.metric,
               "It is one of " + joined(kMetrics));
      }
    } else if (*key == "set") {
      study_.settings = settings_in(value, "set");
    } else if (*key == "seeds") {
      read_seeds(value);
    } else if (*key == "axes") {
      read_axes(value);
    } else {
      const std::string near = nearest_name(*key, kKeys);
      report(*pair.key, *key, "a study has no key " + *key,
             near.empty() ? "It has " + joined(kKeys) : "Did you mean " + near + "?");
    }
  }

  void read_text(const YamlNode& value, const char* key, std::string& out) {
    if (value.kind == YamlKind::scalar) {
      out = value.text;
    } else {
      report(value, source_of(value),
             fmt::format("{} is one word or path, not {}", key, printable(source_of(value))),
             fmt::format("Write {}: VALUE", key));
    }
  }

  std::vector<StudySetting> settings_in(const YamlNode& node, const std::string& of) {
    std::vector<StudySetting> settings;
    if (!node.is_map()) {
      report(node, "", of + " is a map of parameters to values", "Write `parameter: value`");
      return settings;
    }
    for (const YamlPair& pair : node.pairs) {
      const auto key = read_yaml_key(*pair.key, document_, problems_);
      if (key) settings.push_back(setting(*key, *pair.value));
    }
    return settings;
  }

  void read_seeds(const YamlNode& node) {
    const bool is_one = node.kind == YamlKind::scalar;
    const std::vector<const YamlNode*> one{&node};
    std::set<std::int64_t> seen;
    if (node.is_map()) {
      report(node, source_of(node), "seeds is a list of whole numbers, not a map",
             "Write seeds: [1, 2, 3]");
    }
    for (const YamlNode* item : is_one ? one : node.items) {
      std::vector<Problem> found;
      const ParamSpec spec = integer("seeds", 0).range(0, 9e15);
      const ParamValue value = parse_value(spec, source_of(*item), document_.place(*item), found);
      const auto* seed = std::get_if<std::int64_t>(&value);
      if (!found.empty() || seed == nullptr || *seed < 0) {
        report(*item, source_of(*item),
               "a seed is a whole number, 0 or more, not " + printable(source_of(*item)),
               "Write seeds: [1, 2, 3]");
      } else if (!seen.insert(*seed).second) {
        report(*item, source_of(*item), fmt::format("this seed is named twice: {}", *seed),
               "Name each one once");
      } else {
        study_.seeds.push_back(*seed);
      }
    }
  }

  void read_axes(const YamlNode& node) {
    if (!node.is_map()) {
      report(node, "", "axes is a map of names to values",
             "Write `q_levels: [16, 256]`, or a map of labels to settings");
      return;
    }
    for (const YamlPair& pair : node.pairs) {
      const auto name = read_yaml_key(*pair.key, document_, problems_);
      if (name) read_axis(*name, *pair.value);
    }
  }

  void read_axis(const std::string& name, const YamlNode& node) {
    StudyAxis axis{.name = name, .levels = {}};
    if (node.is_map()) {
      for (const YamlPair& pair : node.pairs) {
        const auto label = read_yaml_key(*pair.key, document_, problems_);
        if (!label) continue;
        if (*label != name_part(*label)) {
          report(*pair.key, *label, "a label becomes part of a folder's name",
                 "Use letters, digits, dots, dashes: " + name_part(*label));
        }
        axis.levels.push_back({*label, settings_in(*pair.value, *label)});
      }
    } else {
      const std::vector<const YamlNode*> one{&node};
      for (const YamlNode* item : node.kind == YamlKind::sequence ? node.items : one) {
        const std::string value = source_of(*item);
        axis.levels.push_back({name_part(name + "-" + value), {setting(name, *item)}});
      }
    }
    std::set<std::string> labels;
    for (const StudyLevel& level : axis.levels) {
      if (!labels.insert(level.label).second) {
        report(node, level.label, fmt::format("the axis {} has {} twice", name, level.label),
               "Name each value once");
      }
    }
    if (axis.levels.empty()) report(node, "", "the axis " + name + " has no values", "");
    study_.axes.push_back(std::move(axis));
  }

  void require(const YamlNode& root) {
    if (study_.base.empty())
      report(root, "", "no base is given", "Name a run.yaml: base: run.yaml");
    if (study_.output.empty()) {
      study_.output = "runs/" + name_part(std::filesystem::path(study_.file).stem().string());
    }
  }

  const YamlDocument document_;
  std::vector<Problem>& problems_;
  Study study_;
};

}  // namespace

Study parse_study(const std::string& text, const std::string& file,
                  std::vector<Problem>& problems) {
  return StudyParser(text, file, problems).parse();
}

bool is_better_when_lower(const std::string& metric) { return metric != "eval_accuracy"; }

}  // namespace engine
