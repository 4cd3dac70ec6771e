// SPDX-License-Identifier: GPL-3.0-or-later
// A transform configuration: ordered rules, pattern -> paradigm and values, or pattern -> leave
// alone.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/problem.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace engine {

struct ParadigmInfo;
struct ScriptedFile;

/// The forms that a transform file has on disk. All of them are read; what is written is C1.
enum class TransformDialect {
  c1_pattern_map,   ///< layer_name_to_config: the canonical one
  c2_bare_map,      ///< patterns at the root
  c3_sections,      ///< TOML of the fine-tuning scripts: [attention], [fc], [lora]
  c4_attention_fc,  ///< the two maps attn and fc
  c5_by_tree,       ///< nodes with `by` and `config`
  c6_pretraining,   ///< a full pretraining file with a block transform_args
  unknown
};

enum class ParadigmSource { rule, file, inferred };

struct TransformRule {
  std::string pattern;  ///< as written; "default" is the fallback
  Place place;
  bool leave_alone = false;  ///< YAML null: matched, but not replaced
  std::string paradigm;      ///< id, built in or not; empty when leave_alone
  ParadigmSource paradigm_source = ParadigmSource::inferred;
  ParamValues values;  ///< as written (merge keys applied), defaults not filled in

  bool is_default() const { return pattern == "default"; }
};

struct TransformConfig {
  std::string file;         ///< for messages; may be empty for a text in memory
  std::string source_text;  ///< byte for byte
  TransformDialect dialect = TransformDialect::c1_pattern_map;
  bool use_regex = true;
  std::vector<TransformRule> rules;  ///< in file order: order is meaning
  bool train_only_lora = false;
  /// Of a sequence of transforms over the same layers (spiking): those after this one.
  std::vector<TransformConfig> later_stages;
  /// The paradigms that its rules bring along as TorchScript files; ids differ.
  std::vector<std::shared_ptr<const ScriptedFile>> scripted;
};

struct ParsedTransform {
  TransformConfig config;  ///< as far as it could be read
  std::vector<Problem>
      problems;  ///< syntax, duplicate and unknown keys, values out of range; with places
};

/// Parses and checks against the schemas. Never throws for what a user can write.
ParsedTransform parse_transform_config(const std::string& text, const std::string& file,
                                       const std::vector<ParadigmInfo>& infos);
/// Reads the file first; a file that cannot be read is a problem too.
ParsedTransform read_transform_config(const std::filesystem::path& file,
                                      const std::vector<ParadigmInfo>& infos);

/// The same rules as a C1 text, whatever dialect they came from: what a run records and what "save
/// as" writes. Of a C1 or C2 file its own text, byte for byte.
std::string canonical_text(const TransformConfig& config);

/// Where byte `index` of a rule's pattern stands in the file; the rule's own place when that cannot
/// be told.
Place place_in_pattern(const TransformConfig& config, const TransformRule& rule, std::size_t index);

}  // namespace engine
