// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_queue_content.h"

#include "engine/config/run_config.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

namespace widgets {
namespace {

const QString kSeparate = QStringLiteral("separate_process");
const QString kInWindow = QStringLiteral("in_window");

QJsonObject json_of(const engine::CostPrediction& cost) {
  return {{QStringLiteral("step_seconds"), cost.step_seconds},
          {QStringLiteral("seconds"), cost.seconds},
          {QStringLiteral("peak_bytes"), double(cost.peak_bytes)},
          {QStringLiteral("checkpoint_bytes"), double(cost.checkpoint_bytes)}};
}

engine::CostPrediction cost_of(const QJsonObject& json) {
  const auto number = [&](const char* name) { return json[QLatin1String(name)].toDouble(-1); };
  return {.step_seconds = number("step_seconds"),
          .seconds = number("seconds"),
          .peak_bytes = static_cast<std::int64_t>(number("peak_bytes")),
          .checkpoint_bytes = static_cast<std::int64_t>(number("checkpoint_bytes"))};
}

QJsonObject json_of(const QueuedRun& run) {
  QJsonObject settings;
  for (const auto& entry : run.request.values.entries()) {
    settings[QString::fromStdString(entry.name)] =
        QString::fromStdString(engine::to_string(entry.value));
  }
  QJsonObject json{{QStringLiteral("folder"), run.folder},
                   {QStringLiteral("place"),
                    run.request.place == LaunchPlace::in_window ? kInWindow : kSeparate},
                   {QStringLiteral("device"), run.device},
                   {QStringLiteral("resumes"), run.resumes},
                   {QStringLiteral("settings"), settings}};
  if (!run.transform_copy.isEmpty()) {
    json[QStringLiteral("transform_copy")] = run.transform_copy;
  }
  if (run.request.prediction) json[QStringLiteral("prediction")] = json_of(*run.request.prediction);
  return json;
}

void report(std::vector<engine::Problem>& problems, const std::string& file,
            const std::string& message) {
  engine::Problem& problem = problems.emplace_back();
  problem.id = "bad-queue";
  problem.place.file = file;
  problem.message = message;
  problem.remedy = "Launch it again";
}

/// What is wrong goes to `problems`; the run is then to be left out.
QueuedRun run_of(const QJsonObject& json, const std::string& file,
                 std::vector<engine::Problem>& problems) {
  QueuedRun run;
  run.folder = json[QStringLiteral("folder")].toString();
  run.device = json[QStringLiteral("device")].toString();
  run.resumes = json[QStringLiteral("resumes")].toBool();
  run.transform_copy = json[QStringLiteral("transform_copy")].toString();
  run.request.place = json[QStringLiteral("place")].toString() == kSeparate
                          ? LaunchPlace::separate_process
                          : LaunchPlace::in_window;
  if (run.folder.isEmpty()) {
    report(problems, file, "a run of the queue has no folder: it is left out");
  }
  const QJsonObject settings = json[QStringLiteral("settings")].toObject();
  for (auto it = settings.begin(); it != settings.end(); ++it) {
    const std::string name = it.key().toStdString();
    const engine::ParamSpec* spec = engine::train_schema().find(name);
    if (spec == nullptr) {
      report(problems, file,
             "the queued run " + run.folder.toStdString() + " has the setting " + name +
                 ", which this version does not know: it is left out");
      continue;
    }
    run.request.values.set(name, engine::parse_value(*spec, it.value().toString().toStdString(),
                                                     {.file = file}, problems));
  }
  const QJsonValue cost = json[QStringLiteral("prediction")];
  if (cost.isObject()) run.request.prediction = cost_of(cost.toObject());
  return run;
}

}  // namespace

QByteArray to_json(const RunQueueContent& content) {
  QJsonArray runs;
  for (const QueuedRun& run : content.runs) runs.append(json_of(run));
  return QJsonDocument(
             QJsonObject{{QStringLiteral("runs"), runs},
                         {QStringLiteral("held"), content.held},
                         {QStringLiteral("why_held"), content.why_held},
                         {QStringLiteral("continue_on_error"), content.continues_on_error}})
      .toJson();
}

RunQueueContent read_run_queue(const QByteArray& text, const QString& file,
                               std::vector<engine::Problem>& problems) {
  RunQueueContent content;
  const QJsonDocument document = QJsonDocument::fromJson(text);
  if (!document.isObject()) {
    report(problems, file.toStdString(), "the queue of runs cannot be read: it starts empty");
    return content;
  }
  const QJsonObject json = document.object();
  for (const QJsonValue one : json[QStringLiteral("runs")].toArray()) {
    std::vector<engine::Problem> wrong;
    QueuedRun run = run_of(one.toObject(), file.toStdString(), wrong);
    if (wrong.empty()) content.runs.push_back(std::move(run));
    problems.insert(problems.end(), wrong.begin(), wrong.end());
  }
  content.held = json[QStringLiteral("held")].toBool();
  content.why_held = json[QStringLiteral("why_held")].toString();
  content.continues_on_error = json[QStringLiteral("continue_on_error")].toBool(true);
  return content;
}

}  // namespace widgets
