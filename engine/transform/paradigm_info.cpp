// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/paradigm_info.h"

#include <algorithm>

namespace engine {

bool ParadigmInfo::handles(LayerKind kind) const {
  return std::find(targets.begin(), targets.end(), kind) != targets.end();
}

const ParadigmInfo* find_paradigm(const std::vector<ParadigmInfo>& infos, const std::string& id) {
  for (const ParadigmInfo& info : infos)
    if (info.id == id) return &info;
  return nullptr;
}

}  // namespace engine
