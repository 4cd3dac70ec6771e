// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"

#include <QFrame>
#include <QList>
#include <QString>

#include <functional>

class QHBoxLayout;
class QLabel;
class QPushButton;
class QToolButton;

namespace widgets {

/// What went wrong, where, why and what to do, at the top of a panel: never a box in front of the
/// work. The same message again counts up.
class MessageBar : public QFrame {
  Q_OBJECT

 public:
  explicit MessageBar(QWidget* parent = nullptr);

  void showMessage(engine::Severity severity, const QString& text, const QString& remedy = {});
  void showProblem(const engine::Problem& problem);
  /// Adds a button to the message that is shown; it goes with the message. `name` is the button's
  /// object name.
  void offer(const QString& name, const QString& text, std::function<void()> answer);
  void dismiss();
  QString text() const { return text_; }

 Q_SIGNALS:
  void shownChanged(bool shown);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void present();
  void applyTheme();
  void withdrawOffers();

  QLabel* icon_;
  QLabel* label_;
  QHBoxLayout* row_;
  QList<QPushButton*> offers_;
  QString text_;
  QString remedy_;
  int repeated_ = 1;
  engine::Severity severity_ = engine::Severity::error;
};

}  // namespace widgets
