// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/document_files.h"

#include "widgets/models/transform_document.h"
#include "widgets/panels/message_bar.h"

#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QMessageBox>
#include <QPushButton>

namespace app {
namespace {

using Disk = widgets::TransformDocument::Disk;
constexpr int kSettleMs = 150;

}  // namespace

DocumentFiles::DocumentFiles(widgets::TransformDocument* document, QWidget* window,
                             widgets::MessageBar* messages)
    : document_(document), window_(window), messages_(messages) {
  settle_.setSingleShot(true);
  settle_.setInterval(kSettleMs);
  connect(&settle_, &QTimer::timeout, this, &DocumentFiles::look);
  connect(&watcher_, &QFileSystemWatcher::fileChanged, &settle_, qOverload<>(&QTimer::start));
  connect(&watcher_, &QFileSystemWatcher::directoryChanged, &settle_, qOverload<>(&QTimer::start));
  connect(document_, &widgets::TransformDocument::fileChanged, this, &DocumentFiles::watch);
}

/// The folder as well: replacing a file by another drops the watch of the file.
void DocumentFiles::watch() {
  const QStringList before = watcher_.files() + watcher_.directories();
  if (!before.isEmpty()) watcher_.removePaths(before);
  if (document_->file().isEmpty()) return;
  watcher_.addPath(document_->file());
  watcher_.addPath(QFileInfo(document_->file()).absolutePath());
}

void DocumentFiles::look() {
  if (document_->file().isEmpty()) return;
  const Disk disk = document_->disk();
  if (disk != Disk::gone && !watcher_.files().contains(document_->file())) {
    watcher_.addPath(document_->file());
  }
  if (disk == Disk::same) return;
  if (disk == Disk::gone) {
    messages_->showMessage(engine::Severity::warning,
                           tr("%1 is gone from its folder.").arg(document_->name()),
                           tr("What you see is kept; Save writes it anew."));
    return;
  }
  if (!document_->isModified()) {
    if (!document_->takeDisk()) {
      messages_->showMessage(
          engine::Severity::note,
          tr("%1 was changed by another program and read again.").arg(document_->name()),
          tr("Undo brings the earlier text back."));
    }
    return;
  }
  askAboutDisk();
}

void DocumentFiles::askAboutDisk() {
  messages_->showMessage(
      engine::Severity::warning,
      tr("%1 was changed by another program, and you have unsaved edits.").arg(document_->name()),
      tr("Taking theirs can be undone; keeping yours overwrites theirs at the next Save."));
  messages_->offer(QStringLiteral("disk.keep"), tr("&Keep mine"), [this] {
    document_->acceptDisk();
    messages_->dismiss();
  });
  messages_->offer(QStringLiteral("disk.take"), tr("&Take theirs"), [this] {
    const auto problem = document_->takeDisk();
    problem ? messages_->showProblem(*problem) : messages_->dismiss();
  });
}

bool DocumentFiles::write(const QString& file) {
  const auto problem = document_->saveTo(file);
  if (problem) {
    messages_->showProblem(*problem);
    return false;
  }
  watch();
  messages_->dismiss();
  Q_EMIT saved(file);
  return true;
}

bool DocumentFiles::save() {
  if (!document_->isOpen()) return false;
  if (document_->file().isEmpty()) return saveAs();
  if (document_->disk() == Disk::changed) {
    askAboutDisk();
    return false;
  }
  return write(document_->file());
}

bool DocumentFiles::saveAs() {
  if (!document_->isOpen()) return false;
  QString start = document_->file();
  if (start.isEmpty()) {
    start = QDir(suggested_folder_).absoluteFilePath(QStringLiteral("transform.yaml"));
  }
  QString file = QFileDialog::getSaveFileName(window_, tr("Save the transform file"), start,
                                              tr("YAML files (*.yaml *.yml)"));
  if (file.isEmpty()) return false;
  if (QFileInfo(file).suffix().isEmpty()) file += QStringLiteral(".yaml");
  return write(QFileInfo(file).absoluteFilePath());
}

bool DocumentFiles::hasUnsavedWork() const {
  return document_->isModified() &&
         (!document_->file().isEmpty() || document_->undoStack()->canUndo());
}

bool DocumentFiles::mayLeave() {
  if (!hasUnsavedWork()) return true;
  QMessageBox box(QMessageBox::Question, tr("Unsaved edits"),
                  tr("%1 has edits that are not saved.").arg(document_->name()),
                  QMessageBox::NoButton, window_);
  box.setObjectName(QStringLiteral("unsaved_question"));
  auto* save_button = box.addButton(tr("&Save"), QMessageBox::AcceptRole);
  save_button->setObjectName(QStringLiteral("unsaved_question.save"));
  auto* discard = box.addButton(tr("&Discard"), QMessageBox::DestructiveRole);
  discard->setObjectName(QStringLiteral("unsaved_question.discard"));
  auto* cancel = box.addButton(QMessageBox::Cancel);
  cancel->setObjectName(QStringLiteral("unsaved_question.cancel"));
  box.setDefaultButton(save_button);
  box.setEscapeButton(cancel);
  box.exec();
  if (box.clickedButton() == save_button) return save();
  return box.clickedButton() == discard;
}

}  // namespace app
