// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/step_cursor.h"

#include <QList>
#include <QObject>
#include <QStringList>

#include <algorithm>
#include <utility>

namespace widgets {

/// What the user has selected, shared by all views: layers by name, rules by their index in the
/// open transform file, one run by folder. Selecting
/// anywhere lights it up everywhere. With it goes the step that is looked at. GUI thread.
class Selection : public QObject {
  Q_OBJECT

 public:
  using QObject::QObject;

  const QStringList& layers() const { return layers_; }
  const QList<int>& rules() const { return rules_; }  ///< ascending
  const QString& run() const { return run_; }
  StepCursor* cursor() { return &cursor_; }

  void setLayers(const QStringList& layers) {
    if (layers == layers_) return;
    layers_ = layers;
    Q_EMIT layersChanged();
  }
  void setRules(QList<int> rules) {
    std::sort(rules.begin(), rules.end());
    if (rules == rules_) return;
    rules_ = std::move(rules);
    Q_EMIT rulesChanged();
  }
  void setRun(const QString& folder) {
    if (folder == run_) return;
    run_ = folder;
    Q_EMIT runChanged();
  }

 Q_SIGNALS:
  void layersChanged();
  void rulesChanged();
  void runChanged();

 private:
  QStringList layers_;
  QList<int> rules_;
  QString run_;
  StepCursor cursor_;
};

}  // namespace widgets
