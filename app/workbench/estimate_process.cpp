// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/estimate_process.h"

#include "app/cost_estimate_json.h"
#include "engine/config/train_command.h"
#include "engine/runs/json_values.h"

#include <QTimer>

namespace app {
namespace {

constexpr int kPatienceMs = 2000;

QStringList arguments_of(const engine::ParamValues& values,
                         const engine::EstimateOptions& options) {
  QStringList words{QStringLiteral("estimate"), QStringLiteral("--json")};
  const std::vector<std::string> train = engine::train_command(values);
  for (std::size_t i = 2; i < train.size(); ++i) words << QString::fromStdString(train[i]);
  words << QStringLiteral("--probe_steps") << QString::number(options.probe_steps);
  if (!options.per_rule) words << QStringLiteral("--no_per_rule");
  if (options.fit) words << QStringLiteral("--fit");
  if (options.memory_limit > 0) {
    words << QStringLiteral("--memory_limit")
          << QString::number(static_cast<double>(options.memory_limit) / 1e9, 'f', 9);
  }
  return words;
}

engine::Severity severity_from(const std::string& text) {
  for (const auto severity :
       {engine::Severity::error, engine::Severity::warning, engine::Severity::note}) {
    if (text == engine::to_string(severity)) return severity;
  }
  return engine::Severity::error;
}

/// The errors in what the program printed.
std::vector<engine::Problem> errors_in(const nlohmann::json& json) {
  std::vector<engine::Problem> errors;
  const auto list = json.is_object() ? json.find("problems") : json.end();
  if (list == json.end() || !list->is_array()) return errors;
  for (const auto& one : *list) {
    if (!one.is_object()) continue;
    engine::Problem problem;
    problem.id = engine::text_member(one, "id");
    problem.severity = severity_from(engine::text_member(one, "severity"));
    problem.place.file = engine::text_member(one, "file");
    problem.value = engine::text_member(one, "value");
    problem.message = engine::text_member(one, "message");
    problem.remedy = engine::text_member(one, "remedy");
    if (problem.severity == engine::Severity::error) errors.push_back(std::move(problem));
  }
  return errors;
}

}  // namespace

EstimateProcess::EstimateProcess(const QString& program, const engine::ParamValues& values,
                                 const engine::EstimateOptions& options, QObject* parent)
    : QObject(parent), process_(this) {
  process_.setProgram(program);
  process_.setArguments(arguments_of(values, options));
  process_.setStandardInputFile(QProcess::nullDevice());
  connect(&process_, &QProcess::readyReadStandardError, this, &EstimateProcess::readProgress);
  connect(&process_, &QProcess::finished, this, &EstimateProcess::end);
  connect(&process_, &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
    if (error != QProcess::FailedToStart) return;
    engine::Problem problem;
    problem.id = "not-started";
    problem.place.file = process_.program().toStdString();
    problem.message = "the process could not be started: " + process_.errorString().toStdString();
    Q_EMIT failed({problem});
  });
  process_.start();
}

EstimateProcess::~EstimateProcess() {
  process_.disconnect(this);
  if (process_.state() == QProcess::NotRunning) return;
  process_.terminate();
  process_.waitForFinished(kPatienceMs);
}

void EstimateProcess::abandon() {
  process_.disconnect(this);
  disconnect();
  if (process_.state() == QProcess::NotRunning) {
    deleteLater();
    return;
  }
  connect(&process_, &QProcess::finished, this, &QObject::deleteLater);
  process_.terminate();
  QTimer::singleShot(kPatienceMs, &process_, &QProcess::kill);
}

/// One line for each stage; a line may come in parts.
void EstimateProcess::readProgress() {
  process_.setReadChannel(QProcess::StandardError);
  while (process_.canReadLine()) {
    const QString line = QString::fromUtf8(process_.readLine()).trimmed();
    if (line.isEmpty()) continue;
    last_words_ = line;
    Q_EMIT progressed(line);
  }
}

void EstimateProcess::end(int code, QProcess::ExitStatus status) {
  readProgress();
  const auto json = engine::parse_object(process_.readAllStandardOutput().toStdString());
  const auto estimate = cost_estimate_from(json);
  const bool is_good = status == QProcess::NormalExit && code == 0;
  if (is_good && estimate) {
    Q_EMIT finished(*estimate);
    return;
  }
  auto errors = errors_in(json);
  if (errors.empty()) {
    engine::Problem problem;
    problem.id = "estimate-failed";
    problem.message = status == QProcess::CrashExit
                          ? "the process that estimated ended by a signal"
                          : "the process that estimated ended with code " + std::to_string(code);
    if (!last_words_.isEmpty()) problem.message += ", after: " + last_words_.toStdString();
    if (status == QProcess::CrashExit) {
      problem.remedy = "When the memory ran out, a smaller micro-batch may fit";
    }
    errors.push_back(std::move(problem));
  }
  Q_EMIT failed(errors);
}

}  // namespace app
