// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/setting_fixes.h"

#include <algorithm>
#include <initializer_list>

namespace engine {
namespace {

SettingFix fix(const char* title, const char* name, ParamValue value) {
  SettingFix one{title, {}};
  one.values.set(name, std::move(value));
  return one;
}

}  // namespace

std::vector<SettingFix> setting_fixes(const Problem& problem) {
  const auto is_one_of = [&](std::initializer_list<const char*> ids) {
    return std::any_of(ids.begin(), ids.end(), [&](const char* id) { return problem.id == id; });
  };
  const SettingFix new_folder = fix("Use a new folder", "output_dir", unset);
  if (is_one_of({"output-dir-finished", "output-dir-not-empty", "no-whole-checkpoint"})) {
    return {new_folder, fix("Start anew in it", "overwrite_output_dir", true)};
  }
  if (is_one_of({"output-dir-locked", "output-dir-is-source", "output-dir-not-a-run",
                 "bad-output-dir"})) {
    return {new_folder};
  }
  if (is_one_of({"no-device", "transform-on-cuda"})) {
    return {fix("Let it choose", "device", std::string("auto"))};
  }
  if (is_one_of({"disk-too-small"})) {
    return {fix("Keep 2 checkpoints", "save_total_limit", std::int64_t{2})};
  }
  if (is_one_of({"transform-changed"})) {
    return {fix("Keep the recorded one", "transform_config", unset),
            fix("Change it", "allow_transform_change", true)};
  }
  return {};
}

}  // namespace engine
