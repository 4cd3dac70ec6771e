// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/detached_runs.h"

#include "app/engine_library.h"
#include "engine/error.h"
#include "engine/runs/process_identity.h"

#include <QCryptographicHash>
#include <QDateTime>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QProcess>

#include <signal.h>

#include <filesystem>

namespace app {
namespace {

constexpr int kTailLines = 5;
/// Before what each process of a run wrote.
const QString kBegin = QStringLiteral("--- ");
constexpr qint64 kTailBytes = 4096;
constexpr qint64 kMostOutputBytes = 16 << 20;

}  // namespace

QString paradigm_program() {
  const auto folder = program_folder();
  for (const char* place : {"paradigm", "../bin/paradigm"}) {
    std::error_code ignored;
    const auto file = (folder / place).lexically_normal();
    if (std::filesystem::is_regular_file(file, ignored)) {
      return QString::fromStdString(file.string());
    }
  }
  return {};
}

DetachedRuns::DetachedRuns(const QString& data_folder, QObject* parent)
    : QObject(parent), output_folder_(data_folder + QStringLiteral("/output")) {
  timer_.setInterval(100);
  connect(&timer_, &QTimer::timeout, this, &DetachedRuns::look);
}

void DetachedRuns::start(const QString& folder, const std::vector<std::string>& command) {
  const QString program = paradigm_program();
  if (program.isEmpty()) {
    engine::fail("no-program", {.file = (program_folder() / "paradigm").string()},
                 "the program paradigm, which trains in a process of its own, is not there",
                 "Launch in this window, or install paradigm beside the workbench");
  }
  if (!QDir().mkpath(output_folder_)) {
    engine::fail("cannot-write", {.file = output_folder_.toStdString()},
                 "the folder for the output of runs cannot be made");
  }
  const QString output = outputFile(folder);
  if (QFileInfo(output).size() > kMostOutputBytes) QFile::remove(output);
  QProcess process;
  process.setProgram(program);
  QStringList arguments;
  for (std::size_t i = 1; i < command.size(); ++i) arguments << QString::fromStdString(command[i]);
  process.setArguments(arguments);
  process.setWorkingDirectory(QDir::currentPath());
  process.setStandardInputFile(QProcess::nullDevice());
  process.setStandardOutputFile(output, QIODevice::Append);
  process.setStandardErrorFile(output, QIODevice::Append);
  QFile log(output);
  if (log.open(QIODevice::Append)) {
    log.write(
        (kBegin + QDateTime::currentDateTime().toString(Qt::ISODate) + QLatin1Char('\n')).toUtf8());
    log.close();
  }
  qint64 pid = 0;
  if (!process.startDetached(&pid)) {
    engine::fail("not-started", {.file = program.toStdString()},
                 "the process could not be started: " + process.errorString().toStdString());
  }
  starting_[folder] = {pid, engine::process_start_time(pid).value_or(0)};
  timer_.start();
}

void DetachedRuns::heard(const QString& folder) { starting_.erase(folder); }

void DetachedRuns::cancel(const QString& folder) {
  const auto found = starting_.find(folder);
  if (found == starting_.end()) return;
  const Process& process = found->second;
  if (engine::process_start_time(process.pid) == process.start_time) {
    kill(static_cast<pid_t>(process.pid), SIGTERM);
  }
}

void DetachedRuns::look() {
  std::vector<QString> ended;
  for (const auto& [folder, process] : starting_) {
    if (engine::process_start_time(process.pid) != process.start_time) ended.push_back(folder);
  }
  for (const QString& folder : ended) {
    starting_.erase(folder);
    Q_EMIT gone(folder);
  }
  if (starting_.empty()) timer_.stop();
}

QString DetachedRuns::outputFile(const QString& folder) const {
  const QByteArray digest =
      QCryptographicHash::hash(folder.toUtf8(), QCryptographicHash::Sha1).toHex().left(12);
  return QStringLiteral("%1/%2-%3.txt")
      .arg(output_folder_, QFileInfo(folder).fileName(), QString::fromLatin1(digest));
}

QString DetachedRuns::outputTail(const QString& folder) const {
  QFile file(outputFile(folder));
  if (!file.open(QIODevice::ReadOnly)) return {};
  file.seek(std::max<qint64>(0, file.size() - kTailBytes));
  QStringList lines;
  for (const QString& line : QString::fromUtf8(file.read(kTailBytes)).split(QLatin1Char('\n'))) {
    // Of a line that was drawn again and again, what it showed last.
    const QString shown = line.section(QLatin1Char('\r'), -1, -1, QString::SectionSkipEmpty);
    if (shown.startsWith(kBegin)) {
      lines.clear();
    } else if (!shown.trimmed().isEmpty()) {
      lines << shown.trimmed();
    }
  }
  return lines.mid(std::max<qsizetype>(0, lines.size() - kTailLines)).join(QLatin1Char('\n'));
}

}  // namespace app
