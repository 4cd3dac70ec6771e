// SPDX-License-Identifier: GPL-3.0-or-later
// Random walks of edits over texts of every style: the text always says what a plain model of rules
// says, one edit changes its own lines only, and undoing all leads back byte for byte.
#include "engine/config/transform_config.h"
#include "engine/config/transform_editor.h"
#include "engine/config/yaml_document.h"
#include "engine/config/yaml_layout.h"
#include "engine/transform/paradigm_info.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

namespace engine {
namespace {

struct ModelRule {
  std::string pattern;
  bool is_null = false;
  std::map<std::string, std::string> values;

  bool operator==(const ModelRule&) const = default;
};

/// Reads the rules apart from the editor's own check: by the tree of the document.
std::vector<ModelRule> rules_in(const std::string& text) {
  std::vector<Problem> problems;
  const YamlDocument document(text, "", problems);
  EXPECT_TRUE(problems.empty()) << to_string(problems.at(0)) << "\n" << text;
  if (!document.root()) return {};
  const YamlPair* header = document.root()->find("layer_name_to_config");
  const YamlNode& map = header ? *header->value : *document.root();
  std::vector<ModelRule> rules;
  for (const YamlPair& pair : map.pairs) {
    ModelRule rule{pair.key->text, pair.value->is_null(), {}};
    for (const YamlPair& value : pair.value->pairs)
      rule.values[value.key->text] = value.value->is_null() ? "null" : value.value->text;
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string with_carriage_returns(const std::string& text) {
  std::string result;
  for (char c : text) result += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return result;
}

std::string text_in(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The pattern maps of a clone of upstream that the user has, see scripts/check-upstream.
std::vector<std::string> upstreams_texts() {
  std::vector<std::string> all;
  const char* clone = std::getenv("PARADIGM_UPSTREAM");
  if (clone == nullptr) return all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(clone)) {
    const auto extension = entry.path().extension();
    if (!entry.is_regular_file() || (extension != ".yaml" && extension != ".yml")) continue;
    const std::string text = text_in(entry.path());
    const ParsedTransform parsed = parse_transform_config(text, "t.yaml", paradigm_infos());
    const bool is_map = parsed.config.dialect == TransformDialect::c1_pattern_map ||
                        parsed.config.dialect == TransformDialect::c2_bare_map;
    if (is_map && !parsed.config.rules.empty() && !has_errors(parsed.problems)) all.push_back(text);
  }
  std::printf("%zu pattern maps in %s\n", all.size(), clone);
  return all;
}

std::vector<std::string> texts() {
  const std::string shared =
      "# head of the file\n\nuse_regex: true # said\n\nlayer_name_to_config:\n"
      "  # first, with a name\n  'model\\.a': &common # named\n    q_levels: 256 # levels\n"
      "    q_lut_min: 0.020040\n\n    # before the last\n    q_seed: 1\n    # deeper than the "
      "rule\n\n"
      "  # second\n  \"model\\\\.b\":\n    <<: *common\n    q_bypass: false\n\n"
      "  # detached comment\n\n  plain.c: *common # all of it\n"
      "  ? 'a long | key'\n  : q_levels: 8\n    q_seed: 2\n"
      "  'it''s': {q_levels: 4, q_seed: 3} # flow\n  d: &other {<<: *common, q_seed: 9}\n"
      "  e: {<<: [*other, *common], q_levels: 7}\n  \"lm_head\": null # left alone\n  default: ~\n";
  std::vector<std::string> all{
      shared,
      shared.substr(0, shared.size() - 1),
      with_carriage_returns(shared),
      "\xEF\xBB\xBF# mark first\na: null\nb:\n  q_levels: 1\n  q_seed: 2\nc: {q_levels: 3}\n",
      "a:\nb:\n    q_levels: 1\nc: # nothing but a comment\n  q_levels: 2\nd: {}",
      "layer_name_to_config: {a: null, 'b': {q_levels: 1, q_seed: 2}, \"c\": {}, d: {q_levels: "
      "5}}\n",
      "{a: null, b: {q_levels: 1},\n c: {q_levels: 2}, # comment\n d: null}\n",
      "layer_name_to_config:\n   'ä\\.ö': &ä\n      q_levels: 1\n   '日本': *ä\n   z:\n      <<: "
      "*ä\n"
      "      q_seed: 4\npalette: 5\n",
      "a: {q_levels: &n 5}\nb: {q_levels: *n}\nc:\n  q_levels: *n\n  q_seed: &m 3\nd: {q_seed: "
      "*m}\n",
      "layer_name_to_config:\n",
  };
  for (const auto& entry :
       std::filesystem::directory_iterator(PARADIGM_SOURCE_DIR "/configs/transforms")) {
    all.push_back(text_in(entry.path()));
  }
  const std::vector<std::string> theirs = upstreams_texts();
  all.insert(all.end(), theirs.begin(), theirs.end());
  return all;
}

class Walk {
 public:
  Walk(std::string text, unsigned seed) : start_(std::move(text)), text_(start_), random_(seed) {
    model_ = rules_in(text_);
  }

  void run(int edits) {
    for (int i = 0; i < edits && !testing::Test::HasFailure(); ++i) step();
    EXPECT_LE(refused_ * 12, edits) << refused_ << " of " << edits << " edits were refused\n"
                                    << start_;
    while (!undo_.empty()) {
      text_ = apply_edit(text_, undo_.back());
      undo_.pop_back();
    }
    EXPECT_EQ(text_, start_);
  }

 private:
  int below(std::size_t count) {
    return static_cast<int>(random_() % std::max<std::size_t>(1, count));
  }

  std::string some_key() {
    static const std::vector<std::string> keys{"q_levels", "q_lut_min", "q_seed", "q_bypass",
                                               "stats"};
    return keys[random_() % keys.size()];
  }
  std::string some_value() {
    static const std::vector<std::string> values{"1", "256", "1.0e-05", "null", "true", "pass"};
    return values[random_() % values.size()];
  }
  std::string some_pattern() {
    static const std::vector<std::string> stems{
        "p\\.", "it's ", "#x ",  "a: ", "-",   "\"q", "model\\.layers\\.[0-9]+\\.",
        "é",    "x\\\\", "[a]",  "{b}", "*",   "&",   "!",
        "%",    "@",     "null", "12",  "yes "};
    return stems[random_() % stems.size()] + std::to_string(++names_);
  }

  void step() {
    const TransformEditor editor(text_);
    ASSERT_TRUE(editor.can_edit()) << text_;
    const int count = editor.rule_count();
    ASSERT_EQ(static_cast<std::size_t>(count), model_.size()) << text_;
    std::vector<ModelRule> wanted = model_;
    const int rule = below(model_.size());
    const auto r = static_cast<std::size_t>(rule);
    EditResult result;
    bool is_local = false;
    const int kind = count == 0 ? 6 : below(11);
    switch (kind) {
      case 0:
      case 1: {
        const std::string key = some_key();
        const std::string value = some_value();
        result = editor.set_value(rule, key, value);
        // A rule with a name may have to hand it on.
        is_local = editor.origin_of(rule, key).users.empty() &&
                   editor.value_source(rule).find('&') == std::string::npos;
        wanted[r].is_null = false;
        wanted[r].values[key] = value;
        break;
      }
      case 2: {
        const std::string key = some_key();
        const ValueOrigin origin = editor.origin_of(rule, key);
        result = editor.unset_value(rule, key);
        if (!origin.is_written || !result.ok()) break;
        wanted[r] = rules_in(apply_edit(text_, result.edit))[r];
        EXPECT_EQ(wanted[r].pattern, model_[r].pattern);
        for (const auto& [name, value] : model_[r].values) {
          if (name != key) {
            EXPECT_EQ(wanted[r].values[name], value);
          }
        }
        break;
      }
      case 3: {
        wanted[r].pattern = some_pattern();
        result = editor.set_pattern(rule, wanted[r].pattern);
        is_local = true;
        break;
      }
      case 4: {
        if (wanted[r].is_null) {
          const auto kept = sources_.find(wanted[r].pattern);
          if (kept == sources_.end()) return;
          result = editor.restore(rule, kept->second);
          if (!result.ok()) return;  // what it names may be gone since
          wanted[r] = rules_in(apply_edit(text_, result.edit))[r];
          EXPECT_FALSE(wanted[r].is_null);
          break;
        }
        sources_[wanted[r].pattern] = editor.value_source(rule);
        result = editor.leave_alone(rule);
        wanted[r].is_null = true;
        wanted[r].values.clear();
        break;
      }
      case 5:
      case 6: {
        NewRule added{some_pattern(), random_() % 3 == 0, {}};
        ModelRule expected{added.pattern, added.leave_alone, {}};
        if (!added.leave_alone)
          for (const char* key : {"q_levels", "noise"})
            if (random_() % 2) {
              added.entries.emplace_back(key, "5");
              expected.values[key] = "5";
            }
        const int before = below(static_cast<std::size_t>(count) + 1);
        result = editor.insert_rule(before, added);
        wanted.insert(wanted.begin() + before, expected);
        break;
      }
      case 7: {
        if (count > 12 || random_() % 2) {
          result = editor.delete_rules({rule});
          wanted.erase(wanted.begin() + rule);
        } else {
          result = editor.duplicate_rule(rule);
          if (!result.ok()) break;
          const std::vector<ModelRule> now = rules_in(apply_edit(text_, result.edit));
          ASSERT_EQ(now.size(), wanted.size() + 1);
          const bool is_default = wanted[r].pattern == "default";
          const std::size_t at = is_default ? wanted.size() : r + 1;
          ModelRule copy = wanted[r];
          copy.pattern = now[at].pattern;
          wanted.insert(wanted.begin() + static_cast<std::ptrdiff_t>(at), copy);
        }
        break;
      }
      case 8:
      case 9: {
        const int to = below(model_.size());
        result = editor.move_rule(rule, to);
        const ModelRule moved = wanted[r];
        wanted.erase(wanted.begin() + rule);
        wanted.insert(wanted.begin() + to, moved);
        break;
      }
      default: {
        const std::string key = some_key();
        if (!editor.origin_of(rule, key).is_written) return;
        const std::string value = some_value();
        result = editor.set_value(rule, key, value, SharedValue::change_for_all);
        if (!result.ok()) break;
        const std::vector<ModelRule> now = rules_in(apply_edit(text_, result.edit));
        ASSERT_EQ(now.size(), wanted.size());
        EXPECT_EQ(now[r].values.at(key), value);
        for (int user : editor.origin_of(rule, key).users)
          wanted[static_cast<std::size_t>(user)] = now[static_cast<std::size_t>(user)];
        wanted[r] = now[r];
      }
    }
    if (!result.ok()) {
      ++refused_;
      EXPECT_TRUE(result.edit.empty());
      return;
    }
    const std::string before = text_;
    undo_.push_back(inverse_edit(text_, result.edit));
    text_ = apply_edit(text_, result.edit);
    ASSERT_EQ(apply_edit(text_, undo_.back()), before);
    model_ = rules_in(text_);
    ASSERT_TRUE(model_ == wanted) << result.edit.title << "\n--- before\n"
                                  << before << "\n--- after\n"
                                  << text_;
    if (is_local) expect_local(before, rule, result.edit.title);
  }

  /// Only lines of the rule itself may differ.
  void expect_local(const std::string& before, int rule, const std::string& title) {
    const TransformEditor old_editor(before);
    // A rule in block style is made of whole lines.
    const bool is_flow = before[0] == '{' || before.find("config: {") != std::string::npos;
    std::set<std::string> own;
    std::vector<std::string> kept;
    std::size_t offset = 0;
    for (const std::string& line : lines_of(before)) {
      bool is_own = false;
      const std::size_t last = is_flow ? offset + line.size() : offset;
      for (std::size_t i = offset; i <= last && i < before.size(); ++i)
        is_own |= old_editor.rule_at(i) == rule;
      if (!is_own) kept.push_back(line);
      offset += line.size() + 1;
    }
    const std::vector<std::string> now = lines_of(text_);
    auto at = now.begin();
    for (const std::string& line : kept) {
      at = std::find(at, now.end(), line);
      ASSERT_NE(at, now.end()) << title << " lost or moved the line: " << line << "\n"
                               << before << "\n---\n"
                               << text_;
      ++at;
    }
  }

  const std::string start_;
  std::string text_;
  std::mt19937 random_;
  std::vector<ModelRule> model_;
  std::vector<TextEdit> undo_;
  std::map<std::string, std::string> sources_;
  int names_ = 0;
  int refused_ = 0;
};

TEST(TransformEditorWalk, UndoingAThousandRandomEditsLeadsBackByteForByte) {
  const char* long_tests = std::getenv("PARADIGM_LONG_TESTS");
  const unsigned seeds = long_tests && std::string(long_tests) == "1" ? 40 : 2;
  const std::vector<std::string> all = texts();
  for (unsigned seed = 1; seed <= seeds; ++seed)
    for (const std::string& text : all) {
      Walk walk(text, seed);
      walk.run(seed == 1 && &text == &all[0] ? 1000 : 60);
      ASSERT_FALSE(HasFailure()) << "seed " << seed << "\n" << text;
    }
}

TEST(TransformEditorWalk, LoadingAndSavingWithoutAnEditKeepsEveryByte) {
  for (const std::string& text : texts()) {
    EXPECT_EQ(TransformEditor(text).text(), text);
    EXPECT_EQ(parse_transform_config(text, "t.yaml", paradigm_infos()).config.source_text, text);
  }
}

}  // namespace
}  // namespace engine
