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

CloseChoice ask_before_closing(QWidget* window, const QString& run, int waiting) {
  QMessageBox box(QMessageBox::Question, tr("A run is training in this window"),
                  tr("%1 is training in this window and ends with it.").arg(run),
                  QMessageBox::NoButton, window);
  box.setObjectName(QStringLiteral("close_question"));
  QString text =
      tr("A checkpoint is saved after the current step. Behind it the run can go on as a separate "
         "process, which survives the window and is found again when it opens.");
  if (waiting > 0) {
    text +=
        QStringLiteral("\n\n") +
        (waiting == 1 ? tr("One run waits in the queue: it starts when the window is open again.")
                      : tr("%1 runs wait in the queue: they start when the window is open again.")
                            .arg(waiting));
  }
  box.setInformativeText(text);
  auto* keep = box.addButton(tr("&Keep as a separate process"), QMessageBox::AcceptRole);
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
