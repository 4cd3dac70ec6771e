// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_continuation.h"

#include "app/workbench/open_path.h"
#include "engine/config/run_config.h"
#include "engine/error.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_extension.h"
#include "engine/runs/run_resume.h"
#include "widgets/models/run_actions.h"

#include <filesystem>
#include <utility>

namespace app {

using widgets::LaunchPlace;
using widgets::RunAction;

RunContinuation::RunContinuation(widgets::RunStore* runs, QObject* parent)
    : QObject(parent), runs_(runs) {}

void RunContinuation::look(const QString& folder) {
  const auto* run = runs_->find(folder);
  if (run == nullptr || run->offer || run->observed == engine::RunState::unknown) return;
  const bool further = widgets::is_for(RunAction::further, *run);
  if (!further && !widgets::is_for(RunAction::copy_resume, *run)) return;
  look_job_.start(
      [folder, further] {
        const std::filesystem::path path = folder.toStdString();
        const engine::RunGlance glance = engine::glance_at(path);
        engine::RunSummary summary;
        summary.observed = glance.observed;
        summary.status = glance.status;
        summary.last_step = glance.last_step;
        return further ? engine::further_offer(path, summary) : engine::resume_offer(path, summary);
      },
      [this, folder](JobResult<engine::ResumeOffer> result) {
        const auto* shown = runs_->find(folder);
        if (result.value && shown != nullptr && !shown->is_live()) {
          runs_->setOffer(folder, *result.value);
        }
      });
}

void RunContinuation::resume(const QString& folder, LaunchPlace place, Start start) {
  read(
      folder, place, [](const engine::ParamValues& settings) { return settings; },
      std::move(start));
}

void RunContinuation::trainFurther(const QString& folder, const engine::RunExtension& extension,
                                   LaunchPlace place, Start start) {
  const auto* run = runs_->find(folder);
  if (run == nullptr) return;
  read(
      folder, place,
      [extension, steps = run->max_steps](const engine::ParamValues& settings) {
        return engine::further_settings(settings, steps, extension);
      },
      std::move(start));
}

void RunContinuation::read(const QString& folder, LaunchPlace place, Change change, Start start) {
  BackgroundJob& job = read_jobs_[folder];
  job.start([folder] { return open_path(folder + QStringLiteral("/run.yaml")); },
            [this, place, change, start](JobResult<OpenedPath> result) {
              auto found = std::move(result.problems);
              widgets::LaunchRequest request;
              request.place = place;
              if (result.value) {
                request.values = result.value->run_values;
                found = engine::problems_in(engine::train_schema(), request.values);
              }
              try {
                if (engine::has_errors(found)) throw engine::Error(found);
                request.values = change(request.values);
                found = engine::problems_in(engine::run_config_from(request.values));
                if (engine::has_errors(found)) throw engine::Error(found);
                start(request);
                const auto& remarks = result.value->remarks;
                if (!remarks.empty()) Q_EMIT told(remarks.front());
              } catch (const engine::Error& error) {
                Q_EMIT told(error.problems().front());
              }
            });
}

}  // namespace app
