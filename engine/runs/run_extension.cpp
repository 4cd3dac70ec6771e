// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_extension.h"

#include "engine/training/lr_schedule.h"

namespace engine {

RunConfig extended(RunConfig config, std::int64_t steps, const RunExtension& extension) {
  const std::int64_t course = config.lr_schedule_steps.value_or(steps);
  // In steps, for a share of all steps would be another number now.
  config.warmup_steps = resolved_warmup(config.warmup_steps, config.warmup_ratio, course);
  config.max_steps = extension.max_steps;
  config.lr_schedule_steps.reset();
  if (extension.schedule == ScheduleChange::keep) config.lr_schedule_steps = course;
  return config;
}

ParamValues further_settings(const ParamValues& settings, std::int64_t steps,
                             const RunExtension& extension) {
  const RunConfig config = extended(run_config_from(settings), steps, extension);
  ParamValues values;
  for (const PlacedValue& entry : settings.entries()) {
    const ParamSpec* spec = train_schema().find(entry.name);
    const bool is_default = spec != nullptr && entry.value == spec->default_value;
    if (!is_default && entry.name != "lr_schedule_steps")
      values.set(entry.name, entry.value, entry.place);
  }
  values.set("overwrite_output_dir", false);  // whatever it was started with
  values.set("resume_from_checkpoint", std::string("true"));
  values.set("max_steps", config.max_steps);
  values.set("warmup_steps", config.warmup_steps);
  if (config.lr_schedule_steps) values.set("lr_schedule_steps", *config.lr_schedule_steps);
  return values;
}

}  // namespace engine
