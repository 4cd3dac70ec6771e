// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_advice.h"

#include "engine/error.h"
#include "engine/remote/remote_address.h"
#include "engine/runs/process_identity.h"

#include <QObject>
#include <QStringList>

namespace widgets {
namespace {

using engine::RunState;

QString resume_text(const RunRecord& run) {
  if (!run.offer) return {};
  QStringList text;
  if (run.offer->possible) {
    text << QObject::tr("Resume goes on from %1 with %2.")
                .arg(QString::fromStdString(run.offer->checkpoint),
                     QString::fromStdString(run.offer->restores));
  } else if (!run.address.isEmpty() && !run.offer->command.empty()) {
    text << QObject::tr("It goes on on %1 with: %2")
                .arg(host_of(run.address), QString::fromStdString(run.offer->command));
  } else {
    text << QObject::tr("It cannot be resumed: %1.")
                .arg(QString::fromStdString(run.offer->restores));
  }
  for (const auto& damaged : run.offer->passed_over) text << QString::fromStdString(damaged);
  return text.join(QLatin1Char('\n'));
}

}  // namespace

QString host_of(const QString& address) {
  try {
    const auto host = engine::parse_remote_address(address.toStdString()).host;
    return QString::fromStdString(host).section(QLatin1Char('@'), -1);
  } catch (const engine::Error&) {
    return address;
  }
}

QString place_text(const RunRecord& run) {
  if (!run.is_live()) return {};
  if (run.in_window) return QObject::tr("in this window");
  if (!run.status || run.status->pid <= 0) return {};
  const QString process = QObject::tr("process %1").arg(run.status->pid);
  if (!run.address.isEmpty()) {
    return QObject::tr("host %1, %2").arg(host_of(run.address), process);
  }
  const bool is_here = run.status->host.empty() || run.status->host == engine::host_name();
  return is_here
             ? process
             : QObject::tr("host %1, %2").arg(QString::fromStdString(run.status->host), process);
}

QString advice_on(const RunRecord& run) {
  QStringList text;
  switch (run.state) {
    case RunState::stopped:
    case RunState::failed:
    case RunState::interrupted:
      text << resume_text(run);
      break;
    case RunState::unknown:
      if (run.status && !run.status->host.empty() && run.status->host != engine::host_name()) {
        text << QObject::tr(
                    "Whether process %1 lives can only be seen on host %2; if it does, this "
                    "changes by itself.")
                    .arg(run.status->pid)
                    .arg(QString::fromStdString(run.status->host));
      }
      break;
    default:
      break;
  }
  const bool has_died = run.state == RunState::failed || run.state == RunState::interrupted;
  if (!run.output_tail.isEmpty() && (has_died || run.state == RunState::starting)) {
    text << QObject::tr("Its output ends with:") << run.output_tail;
  }
  text.removeAll(QString());
  return text.join(QLatin1Char('\n'));
}

}  // namespace widgets
