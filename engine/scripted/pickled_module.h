// SPDX-License-Identifier: GPL-3.0-or-later
// The attributes of a saved module with their values, from the pickle that TorchScript writes
// (data.pkl). Nothing is executed: classes are names, tensors and the like are only noticed.
#pragma once

#include "engine/config/param_schema.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine::scripted {

struct PickledAttribute {
  std::string name;
  /// Unset for None; nothing for what is neither a number, a truth value, a text nor None.
  std::optional<ParamValue> value;
};

struct PickledModule {
  std::string class_name;  ///< "__torch__.Photodetector"
  std::vector<PickledAttribute> attributes;

  const PickledAttribute* find(const std::string& name) const;
};

/// Throws Error naming `file` for anything that is not one pickled module.
PickledModule read_pickled_module(std::string_view bytes, const std::string& file);

}  // namespace engine::scripted
