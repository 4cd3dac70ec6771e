// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/text_edit.h"
#include "engine/problem.h"

#include <QObject>
#include <QString>
#include <QUndoStack>

#include <optional>
#include <string>

namespace widgets {

/// A transform file while it is edited. The text is the truth: every edit, from whichever view, is
/// a patch of it with a name, and can be undone. Knows the file as it was last read or written, so
/// that nothing of someone else's is overwritten unseen. GUI thread.
class TransformDocument : public QObject {
  Q_OBJECT

 public:
  enum class Disk { same, changed, gone };

  explicit TransformDocument(QObject* parent = nullptr);
  ~TransformDocument() override;

  /// Starts with what was read from `file`: clean, nothing to undo. An empty file name is a new
  /// document, modified from the start.
  void open(const QString& file, std::string text);
  void close();
  /// Starts with an unsaved text: `file` is as it is on the disk, `text` a step that can be undone.
  void openUnsaved(const QString& file, const std::string& text);
  bool isOpen() const { return is_open_; }

  const std::string& text() const { return text_; }
  const QString& file() const { return file_; }
  QString name() const;  ///< the file's name without its folder; "untitled.yaml" for a new one

  /// One step that can be undone, named by the edit's title. Steps of the same `merge_key` that
  /// follow each other without endMerge() between them become one. An empty edit is no step.
  void apply(const engine::TextEdit& edit, const QString& merge_key = {});
  /// The same for a whole new text; only what differs is patched.
  void setText(const std::string& text, const QString& step, const QString& merge_key = {});
  /// The next step does not merge with the last one.
  void endMerge() { ++merge_run_; }

  QUndoStack* undoStack() { return &undo_; }
  bool isModified() const { return is_open_ && (file_.isEmpty() || !undo_.isClean()); }

  /// Writes the text: complete or not at all. A problem leaves the old file and the document as
  /// they were.
  std::optional<engine::Problem> saveTo(const QString& file);
  /// Whether the file holds what was last read or written. Reads it.
  Disk disk() const;
  /// Of the file as it was last read or written; "" for a text without a file.
  const std::string& diskDigest() const { return disk_digest_; }
  /// Of a file as it is; "" when it cannot be read.
  static std::string digestOf(const QString& file);
  /// Accepts what stands on the disk now as the file's state: Save overwrites it.
  void acceptDisk();
  /// Takes the text of the disk as a step that can be undone; clean afterwards.
  std::optional<engine::Problem> takeDisk();

 Q_SIGNALS:
  void textChanged();
  void modifiedChanged();
  void fileChanged();  ///< another document was opened, or it got another name

 private:
  class Step;

  QUndoStack undo_;
  std::string text_;
  QString file_;
  std::string disk_digest_;
  bool is_open_ = false;
  int merge_run_ = 0;
};

}  // namespace widgets
