// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/run_actions.h"

#include <QList>
#include <QObject>
#include <QTimer>

#include <array>

class QAction;
class QMenu;

namespace widgets {

class Selection;

/// The actions on the selected run, for buttons, menus and keys: each is enabled when the run can
/// be asked that now, and its tooltip says why not. GUI thread.
class RunControls : public QObject {
  Q_OBJECT

 public:
  RunControls(Selection* selection, const RunStore* runs, QObject* parent = nullptr);

  QAction* action(RunAction action) const { return actions_[static_cast<std::size_t>(action)]; }
  /// Those that are for the selected run, with separators; the menu is cleared first.
  void fill(QMenu* menu) const;
  /// Why no run can begin in this window now; empty = one can.
  void setResumeHereBlocked(const QString& reason);

 Q_SIGNALS:
  void chosen(widgets::RunAction action, const QString& folder);

 private:
  void make(RunAction action, const char* name, const QString& text, const QString& short_text,
            const QString& icon, const QString& tip);
  void refresh();

  Selection* selection_;
  const RunStore* runs_;
  std::array<QAction*, std::size(kRunActions)> actions_{};
  std::array<QString, std::size(kRunActions)> tips_;
  QString resume_blocked_;
  QTimer patience_;  ///< a request grows old without any event
};

}  // namespace widgets
