// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFrame>
#include <QString>

#include <functional>
#include <vector>

class QLineEdit;
class QListWidget;

namespace widgets {

/// Everything that can be done, found by typing a few letters of it: commands with their shortcuts,
/// layers, rules, runs, settings. Opens over the window; Enter runs, Esc closes.
class CommandPalette : public QFrame {
  Q_OBJECT

 public:
  struct Entry {
    QString text;
    QString group;  ///< "Command", "Layer", "Rule"
    QString keys;   ///< its shortcut, if any
    std::function<void()> run;
  };

  explicit CommandPalette(QWidget* window);

  /// Shows these, in their order until something is typed.
  void open(std::vector<Entry> entries);
  QLineEdit* field() const { return field_; }
  QListWidget* list() const { return list_; }

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void filter();
  void runCurrent();

  std::vector<Entry> entries_;
  QLineEdit* field_;
  QListWidget* list_;
};

}  // namespace widgets
