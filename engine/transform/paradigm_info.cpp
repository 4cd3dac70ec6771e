// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/paradigm_info.h"

#include <algorithm>

namespace engine {

bool ParadigmInfo::handles(LayerKind kind) const {
  return std::find(targets.begin(), targets.end(), kind) != targets.end();
}

ParamValues ParadigmInfo::requested_values(const ParamValues& given, LayerKind kind) const {
  ParamValues values = schema.with_defaults(given);
  if (fill_in) fill_in(kind, given, values);
  return values;
}

ParamValues ParadigmInfo::effective_values(const ParamValues& given, LayerKind kind) const {
  return schema.effective(requested_values(given, kind));
}

const ParadigmInfo* find_paradigm(const std::vector<ParadigmInfo>& infos, const std::string& id) {
  for (const ParadigmInfo& info : infos)
    if (info.id == id) return &info;
  return nullptr;
}

}  // namespace engine
