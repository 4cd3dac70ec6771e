// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/presets.h"

#include <QWidget>

#include <string>
#include <vector>

class QLabel;
class QListWidget;
class QPushButton;

namespace widgets {

class EmptyState;
class HistogramPlot;

/// A gallery of the transform files that come with the program, each with what it would do to the
/// open model. Using one begins a new document; the preset's own file is not touched.
class PresetsPanel : public QWidget {
  Q_OBJECT

 public:
  explicit PresetsPanel(QWidget* parent = nullptr);

  void setPresets(std::vector<Preset> presets);
  /// The checkpoint that presets are shown for; the transform of the view does not matter.
  void setView(const PlanViewPtr& view);
  QListWidget* list() const { return list_; }
  QString effect() const;  ///< of the chosen preset

 Q_SIGNALS:
  void useRequested(const QString& name, const std::string& text);

 protected:
  void showEvent(QShowEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void preview();
  void showPreset();

  std::vector<Preset> presets_;
  std::vector<PlanViewPtr> plans_;  ///< of each preset on the checkpoint; empty = not made yet
  std::shared_ptr<const OpenCheckpoint> checkpoint_;
  QListWidget* list_;
  QLabel* description_;
  QLabel* effect_;
  HistogramPlot* plot_;
  QPushButton* use_;
  EmptyState* empty_;
};

}  // namespace widgets
