// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QLabel;
class QListWidget;

namespace widgets {

/// What the window shows while nothing is open: the three ways in, and what was open last.
class StartPage : public QWidget {
  Q_OBJECT

 public:
  explicit StartPage(QWidget* parent = nullptr);

  void setRecent(const QStringList& paths);
  void setDemoAvailable(bool available);

 Q_SIGNALS:
  void openCheckpointRequested();
  void openConfigRequested();
  void openRunRequested();
  void demoRequested();
  void recentRequested(const QString& path);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void applyTheme();

  QList<QLabel*> hints_;
  QWidget* demo_ = nullptr;
  QLabel* recent_title_;
  QListWidget* recent_;
};

}  // namespace widgets
