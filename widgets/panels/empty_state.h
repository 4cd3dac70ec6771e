// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStackedWidget>
#include <QString>

#include <vector>

class QAction;
class QLabel;

namespace widgets {

/// Shows a content, or while there is none one sentence and the buttons that lead on.
class EmptyState : public QStackedWidget {
  Q_OBJECT

 public:
  EmptyState(QWidget* content, const QString& sentence, QWidget* parent = nullptr);

  /// A button below the sentence.
  QAction* addButton(const QString& text, const QString& icon);
  void setSentence(const QString& sentence);
  void setEmpty(bool empty);
  bool isEmpty() const;

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void applyTheme();

  QWidget* page_;
  QLabel* sentence_;
};

}  // namespace widgets
