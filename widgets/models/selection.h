// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QStringList>

namespace widgets {

/// What the user has selected, shared by all views: layers by name, one run by folder. Selecting
/// anywhere lights it up everywhere. GUI thread.
class Selection : public QObject {
  Q_OBJECT

 public:
  using QObject::QObject;

  const QStringList& layers() const { return layers_; }
  const QString& run() const { return run_; }

  void setLayers(const QStringList& layers) {
    if (layers == layers_) return;
    layers_ = layers;
    Q_EMIT layersChanged();
  }
  void setRun(const QString& folder) {
    if (folder == run_) return;
    run_ = folder;
    Q_EMIT runChanged();
  }

 Q_SIGNALS:
  void layersChanged();
  void runChanged();

 private:
  QStringList layers_;
  QString run_;
};

}  // namespace widgets
