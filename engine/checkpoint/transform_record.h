// SPDX-License-Identifier: GPL-3.0-or-later
// What a checkpoint's config.json says about the transform it was trained under. Plain loaders
// ignore the key.
#pragma once

#include <optional>
#include <string>

namespace engine {

struct TransformRecord {
  std::string file;    ///< beside config.json: "transform.yaml"
  std::string digest;  ///< of the resolved transform; may be empty
};

/// The record in a config.json's text, if there is one that names a file in the same folder.
std::optional<TransformRecord> transform_record_of(const std::string& config_json);

/// `config_json` with the record, or without one when `digest` is empty. All other keys stay.
std::string with_transform_record(const std::string& config_json, const std::string& file,
                                  const std::string& digest);

}  // namespace engine
