// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QDockWidget;

namespace app {

/// The bar above a panel: its name, and buttons that float and close it. Dragging it moves the
/// dock.
class DockTitle : public QWidget {
  Q_OBJECT

 public:
  explicit DockTitle(QDockWidget* dock);

 protected:
  void paintEvent(QPaintEvent* event) override;
};

}  // namespace app
