// SPDX-License-Identifier: GPL-3.0-or-later
// Inside of transform_config: rules read from the tree of a document. The dialects with patterns
// are read here, the others by dialect_import with the help of this.
#pragma once

#include "engine/config/rule_paradigm.h"
#include "engine/config/transform_config.h"
#include "engine/config/yaml_document.h"

#include <map>
#include <string>
#include <vector>

namespace engine {

class TransformReader {
 public:
  TransformReader(const YamlDocument& document, const std::vector<ParadigmInfo>& infos,
                  ParsedTransform& parsed);

  /// The whole document, of any dialect.
  void read();

  const YamlDocument& document() const { return document_; }
  TransformConfig& config() { return config_; }
  const std::vector<ParadigmInfo>& infos() const { return infos_; }
  std::vector<Problem>& problems() { return problems_; }
  void report(const char* id, Place place, std::string value, std::string message,
              std::string remedy = "");
  /// What an import made of something: shown, but nothing to mend.
  void note(Place place, std::string message);

  /// use_regex, layer_name_to_config, paradigm, transform_flavor.
  void read_header(const YamlNode& root);
  void read_rules(const YamlNode& map);
  /// A rule that the file does not write as such. `values`: its map, or null to leave alone.
  void add_rule(std::string pattern, const Place& place, const YamlNode* values,
                const std::string& paradigm);

 private:
  bool hints_at_mistyped_header(const YamlNode& root);
  void report_unknown(const YamlNode& root);
  void read_flavor(const YamlPair& pair);
  void read_values(const YamlNode& map, TransformRule& rule);
  /// The id that the value of a key `paradigm` means: a built-in one's, or that of the TorchScript
  /// file it names, which is read. The value itself after a problem was reported.
  std::string named_paradigm(const std::string& value, const Place& place);
  std::vector<Problem> take_scripted(std::shared_ptr<const ScriptedFile> file);
  /// Built in, or brought along by this file.
  const ParadigmInfo* known_paradigm(const std::string& id) const;
  /// Null after a problem was reported; at once for an explicit id and for the file's.
  const ParadigmInfo* choose_paradigm(const std::string& explicit_id,
                                      const std::vector<std::string>& keys, TransformRule& rule);
  bool report_mistyped_key(const std::vector<std::string>& keys, const TransformRule& rule);
  void read_value(const ParadigmInfo& info, const YamlPair& pair, TransformRule& rule);

  const YamlDocument& document_;
  const std::vector<ParadigmInfo>& infos_;
  const std::vector<ParadigmName> names_;
  TransformConfig& config_;
  std::vector<Problem>& problems_;
  std::string file_paradigm_;
  std::map<std::string, std::string> ids_;  ///< of values of `paradigm` met so far
};

}  // namespace engine
