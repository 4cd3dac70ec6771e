// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFileSystemWatcher>
#include <QObject>
#include <QString>
#include <QTimer>

class QWidget;

namespace widgets {
class MessageBar;
class TransformDocument;
}  // namespace widgets

namespace app {

/// The document and its file: saves it, notices when someone else writes the file, and asks before
/// unsaved work would be lost. GUI thread.
class DocumentFiles : public QObject {
  Q_OBJECT

 public:
  /// Questions stand in front of `window`, remarks in `messages`.
  DocumentFiles(widgets::TransformDocument* document, QWidget* window,
                widgets::MessageBar* messages);

  /// False when nothing was written: refused, cancelled, or someone else's change has to be looked
  /// at.
  bool save();
  bool saveAs();
  /// Edits that nobody has saved; a new document that nobody touched has none.
  bool hasUnsavedWork() const;
  /// Whether the document may be replaced: it is not modified, was saved, or is given up.
  bool mayLeave();
  /// Where a document without a name is suggested to be saved.
  void setSuggestedFolder(const QString& folder) { suggested_folder_ = folder; }

 Q_SIGNALS:
  void saved(const QString& file);

 private:
  void watch();
  void look();
  bool write(const QString& file);
  void askAboutDisk();

  widgets::TransformDocument* document_;
  QWidget* window_;
  widgets::MessageBar* messages_;
  QFileSystemWatcher watcher_;
  QTimer settle_;  ///< an editor that saves writes several times
  QString suggested_folder_;
};

}  // namespace app
