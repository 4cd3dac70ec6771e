// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QStringList>

#include <string>
#include <vector>

namespace widgets {

inline std::vector<std::string> to_names(const QStringList& layers) {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(layers.size()));
  for (const auto& layer : layers) names.push_back(layer.toStdString());
  return names;
}

inline QStringList from_names(const std::vector<std::string>& names) {
  QStringList layers;
  for (const auto& name : names) layers << QString::fromStdString(name);
  return layers;
}

}  // namespace widgets
