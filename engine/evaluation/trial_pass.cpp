// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/trial_pass.h"

#include "engine/training/calibration.h"

#include <utility>

namespace engine {

TrialPass::TrialPass(std::unique_ptr<Llama> model, const EvaluationModel& loaded,
                     const EvaluationText& text, bool measures_errors, StagedProgress& progress)
    : model_(std::move(model)),
      text_(text),
      progress_(progress),
      options_(loaded.options),
      watch_(
          *model_, [&progress] { progress.check(); }, measures_errors) {
  options_.ask = [&progress] { progress.check(); };
}

double TrialPass::loss(std::int64_t batch) {
  return batch_losses(*model_, text_.validation(), batch_of(text_.measured, batch), options_,
                      progress_.part())
      .front();
}

void TrialPass::calibrate() {
  calibrate_some(*model_, text_.calibration(), text_.calibrated, options_, is_unobserved,
                 progress_.part());
}

}  // namespace engine
