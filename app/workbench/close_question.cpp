// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/close_question.h"

#include <QCoreApplication>
#include <QMessageBox>
#include <QPushButton>

namespace app {
namespace {

QString tr(const char* text, int count = -1) {
  return QCoreApplication::translate("CloseQuestion", text, nullptr, count);
}

}  // namespace

CloseChoice ask_before_closing(QWidget* window, const QStringList& runs, int waiting) {
  const bool one = runs.size() == 1;
  QMessageBox box(
      QMessageBox::Question,
      one ? tr("A run is training in this window") : tr("Runs are training in this window"),
      one ? tr("%1 is training in this window and ends with it.").arg(runs.first())
          : tr("%1 are training in this window and end with it.")
                .arg(runs.join(QStringLiteral(", "))),
      QMessageBox::NoButton, window);
  box.setObjectName(QStringLiteral("close_question"));
  QString text =
      one ? tr("A checkpoint is saved after the current step. Behind it the run can go on as a "
               "separate process, which survives the window and is found again when it opens.")
          : tr("A checkpoint of each is saved after its current step. Behind it each can go on as "
               "a "
               "separate process, which survives the window and is found again when it opens.");
  if (waiting > 0) {
    text +=
        QStringLiteral("\n\n") +
        (waiting == 1 ? tr("One run waits in the queue: it starts when the window is open again.")
                      : tr("%1 runs wait in the queue: they start when the window is open again.")
                            .arg(waiting));
  }
  box.setInformativeText(text);
  auto* keep =
      box.addButton(one ? tr("&Keep as a separate process") : tr("&Keep as separate processes"),
                    QMessageBox::AcceptRole);
  keep->setObjectName(QStringLiteral("close_question.keep"));
  auto* stop = box.addButton(tr("Checkpoint and &stop"), QMessageBox::AcceptRole);
  stop->setObjectName(QStringLiteral("close_question.stop"));
  auto* cancel = box.addButton(QMessageBox::Cancel);
  cancel->setObjectName(QStringLiteral("close_question.cancel"));
  box.setDefaultButton(keep);
  box.setEscapeButton(cancel);
  box.exec();
  if (box.clickedButton() == keep) return CloseChoice::hand_over;
  return box.clickedButton() == stop ? CloseChoice::stop : CloseChoice::cancel;
}

}  // namespace app
