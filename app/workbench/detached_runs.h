// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <QTimer>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace app {

/// Runs in processes of their own, which survive this one: each is the `paradigm` program in its
/// own session, with the command line that the user could have pasted into a terminal. What it
/// writes goes to a file of the workbench's data. From its first word in the run folder on it is
/// watched like any other run; until then this class knows whether its process lives. GUI thread.
class DetachedRuns : public QObject {
  Q_OBJECT

 public:
  /// Output is kept below `data_folder`.
  explicit DetachedRuns(const QString& data_folder, QObject* parent = nullptr);

  /// Starts `command`, of which the first word is replaced by the program beside this one. Throws
  /// engine::Error when it cannot be started.
  void start(const QString& folder, const std::vector<std::string>& command);
  /// The run's folder has said something: its process is no longer this class's concern.
  void heard(const QString& folder);
  bool isStarting(const QString& folder) const { return starting_.count(folder) != 0; }
  /// Asks a process that has not begun its run to end.
  void cancel(const QString& folder);

  /// The file that keeps what processes of this run wrote; it may not exist.
  QString outputFile(const QString& folder) const;
  /// The last lines of the last process, at most five; empty when it wrote none. Reads a few KiB.
  QString outputTail(const QString& folder) const;

 Q_SIGNALS:
  /// The process ended before the run's folder said anything.
  void gone(const QString& folder);

 private:
  struct Process {
    std::int64_t pid = 0;
    std::uint64_t start_time = 0;
  };
  void look();

  QString output_folder_;
  std::map<QString, Process> starting_;
  QTimer timer_;
};

/// The `paradigm` program beside this one; empty when it is not there.
QString paradigm_program();

}  // namespace app
