// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_look_store.h"

#include <QSettings>

#include <optional>

namespace widgets {

int RunLookStore::of(const QString& key) {
  const auto known = known_.constFind(key);
  if (known != known_.constEnd()) return *known;
  return *known_.insert(key, find(key));
}

int RunLookStore::find(const QString& key) {
  const std::string name = key.toStdString();
  if (settings_ == nullptr) return looks_.of(name);
  const QString place = QStringLiteral("runs/%1/look").arg(key);
  bool is_number = false;
  const int kept = settings_->value(place).toInt(&is_number);
  const std::optional<int> remembered = is_number ? std::optional<int>(kept) : std::nullopt;
  const int look = looks_.of(name, remembered);
  if (remembered != look) settings_->setValue(place, look);
  return look;
}

}  // namespace widgets
