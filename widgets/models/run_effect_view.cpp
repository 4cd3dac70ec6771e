// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_effect_view.h"

#include "widgets/style/text.h"

namespace widgets {

PlanViewPtr plan_view_of(const engine::ComparableRun& run) {
  if (run.model.config == nullptr) return nullptr;
  auto view = std::make_shared<PlanView>();
  view->checkpoint = make_checkpoint(qt(run.path.string()), *run.model.config);
  view->transform = run.transform;
  view->plan = run.effect.plan;
  return view;
}

}  // namespace widgets
