// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <QTimer>

#include <memory>
#include <vector>

namespace engine {
class RemoteMirror;
}

namespace app {

/// The other machines whose runs are watched: one mirror each, and what becomes of the connections.
/// GUI thread.
class RemoteRuns : public QObject {
  Q_OBJECT

 public:
  explicit RemoteRuns(QObject* parent = nullptr);
  ~RemoteRuns() override;

  /// Mirrors what is below an ssh:// address from now on. Returns the local folder that holds the
  /// copies. Throws engine::Error for a wrong address.
  QString add(const QString& address);

 Q_SIGNALS:
  void troubled(const QString& address, const QString& why);  ///< once for each new reason
  void recovered(const QString& address);

 private:
  struct Machine;

  void look();

  std::vector<std::unique_ptr<Machine>> machines_;
  QTimer clock_;
};

}  // namespace app
