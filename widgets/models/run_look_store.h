// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/figures/run_look.h"

#include <QHash>
#include <QString>

class QSettings;

namespace widgets {

/// Colour and shape of each run, the same in every view and after a restart: those of engine's
/// RunLooks, and remembered beside what the user says about a run. GUI thread.
class RunLookStore {
 public:
  /// `settings` may be null: looks last as long as this then. They outlive this.
  explicit RunLookStore(QSettings* settings = nullptr) : settings_(settings) {}

  /// `key` as run_key() has it.
  int of(const QString& key);

 private:
  int find(const QString& key);

  QHash<QString, int> known_;
  QSettings* settings_;
  engine::RunLooks looks_;
};

}  // namespace widgets
