// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/remote_runs.h"

#include "engine/remote/remote_mirror.h"

namespace app {

struct RemoteRuns::Machine {
  explicit Machine(const engine::RemoteAddress& address) : mirror(address) {}
  engine::RemoteMirror mirror;
  std::string trouble;
};

RemoteRuns::RemoteRuns(QObject* parent) : QObject(parent) {
  constexpr int kLook = 1000;
  clock_.setInterval(kLook);
  connect(&clock_, &QTimer::timeout, this, &RemoteRuns::look);
}

RemoteRuns::~RemoteRuns() = default;

QString RemoteRuns::add(const QString& address) {
  const auto parsed = engine::parse_remote_address(address.toStdString());
  for (const auto& machine : machines_) {
    if (machine->mirror.address().text() == parsed.text()) {
      return QString::fromStdString(machine->mirror.folder().string());
    }
  }
  machines_.push_back(std::make_unique<Machine>(parsed));
  clock_.start();
  return QString::fromStdString(machines_.back()->mirror.folder().string());
}

void RemoteRuns::look() {
  for (const auto& machine : machines_) {
    const std::string trouble = machine->mirror.state().trouble;
    if (trouble == machine->trouble) continue;
    machine->trouble = trouble;
    const QString address = QString::fromStdString(machine->mirror.address().text());
    if (trouble.empty()) {
      Q_EMIT recovered(address);
    } else {
      Q_EMIT troubled(address, QString::fromStdString(trouble));
    }
  }
}

}  // namespace app
