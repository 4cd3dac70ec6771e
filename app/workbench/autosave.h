// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/recovery_store.h"

#include <QObject>
#include <QString>
#include <QThreadPool>
#include <QTimer>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace widgets {
class MessageBar;
class TransformDocument;
}  // namespace widgets

namespace app {

/// Keeps the unsaved text of the document in the workbench's own folder, so that a window that dies
/// loses at most `interval_ms` of work, and offers what earlier windows left behind. GUI thread;
/// the disk is written by a thread of its own, in the order asked for.
class Autosave : public QObject {
  Q_OBJECT

 public:
  static constexpr int kIntervalMs = 20000;

  Autosave(widgets::TransformDocument* document, widgets::MessageBar* messages,
           const QString& folder, int interval_ms = kIntervalMs);
  ~Autosave() override;

  /// Looks, the first time, for texts of windows that are gone, and offers those that are neither
  /// taken nor declined, one after the other.
  void offerRecovered();
  /// Asked before what is open gives way to a recovered text.
  void setGuard(std::function<bool()> may_replace) { may_replace_ = std::move(may_replace); }
  /// The unsaved text is given up.
  void forget();
  /// Keeps the text from now on, if it is unsaved and was not kept yet.
  void keep();
  /// Waits until everything that was asked for is on the disk.
  void finish();

 Q_SIGNALS:
  /// Show this text as unsaved edits of `file`, which is empty for a text that never had one.
  void recovered(const QString& file, const std::string& text);

 private:
  void follow();
  void offerNext();
  std::string name() const;

  widgets::TransformDocument* document_;
  widgets::MessageBar* messages_;
  std::unique_ptr<engine::RecoveryStore> store_;  ///< null: the folder cannot be written
  std::vector<engine::RecoveredText> found_;
  bool has_looked_ = false;
  std::function<bool()> may_replace_;
  QTimer timer_;
  QThreadPool writer_;  ///< one thread; all that touches the store but finish() goes first
  std::string kept_;    ///< name under which a text is kept; empty = none
  std::string kept_text_;
};

}  // namespace app
