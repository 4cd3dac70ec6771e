// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStringList>

class QWidget;

namespace app {

enum class CloseChoice {
  cancel,
  stop,       ///< with a checkpoint
  hand_over,  ///< with a checkpoint, behind which a process of its own goes on
};

/// The one modal question: what is to become of the runs (their names, at least one) that train in
/// the window that closes. `waiting`: runs in the queue.
CloseChoice ask_before_closing(QWidget* window, const QStringList& runs, int waiting);

}  // namespace app
