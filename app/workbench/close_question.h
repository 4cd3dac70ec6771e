// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

class QWidget;

namespace app {

enum class CloseChoice {
  cancel,
  stop,       ///< with a checkpoint
  hand_over,  ///< with a checkpoint, behind which a process of its own goes on
};

/// The one modal question: what is to become of a run that trains in the window that closes.
/// `waiting`: runs in the queue.
CloseChoice ask_before_closing(QWidget* window, const QString& run, int waiting);

}  // namespace app
