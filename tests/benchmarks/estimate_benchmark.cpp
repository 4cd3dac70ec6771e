// SPDX-License-Identifier: GPL-3.0-or-later
// How far estimates are from what came of them: five runs on the CPU, each estimated and then
// trained in a process of its own.
//
//   estimate_benchmark [DEMO_FOLDER] [STEPS]      (in the checkout: resources/demo, 40)
//
// One line a run: predicted and actual step time, total time, peak memory and checkpoint size.
#include "engine/config/run_config.h"
#include "engine/error.h"
#include "engine/runs/run_record.h"
#include "engine/training/estimate.h"
#include "engine/training/train.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace engine;

struct Case {
  std::string name;
  RunConfig config;
};

std::vector<Case> cases(const fs::path& demo, const fs::path& scratch, std::int64_t steps) {
  RunConfig plain;
  plain.model_name_or_path = (demo / "checkpoint").string();
  plain.train_file = (demo / "notes_train.txt").string();
  plain.validation_file = (demo / "notes_validation.txt").string();
  plain.transform_config = "none";
  plain.do_train = true;
  plain.do_eval = true;
  plain.block_size = 128;
  plain.max_steps = steps;
  plain.save_steps = steps / 2;
  plain.logging_steps = 5;
  plain.device = "cpu";
  RunConfig optical = plain;
  optical.transform_config = "configs/transforms/optical_transformer.yaml";
  RunConfig bitflip = plain;
  bitflip.transform_config = "configs/transforms/random_bitflip.yaml";
  RunConfig accumulated = optical;
  accumulated.bf16 = true;
  accumulated.per_device_train_batch_size = 4;
  accumulated.gradient_accumulation_steps = 4;
  accumulated.max_steps = steps / 2;
  RunConfig large = plain;
  large.tokenizer_name = *plain.model_name_or_path;
  large.model_name_or_path.reset();
  large.config_name = "clm-60m";
  large.per_device_train_batch_size = 2;
  large.max_steps = steps / 2;
  std::vector<Case> all{{"demo plain", plain},
                        {"demo optical", optical},
                        {"demo bitflip", bitflip},
                        {"demo optical bf16, 4 x 4", accumulated},
                        {"60M plain", large}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].config.output_dir = (scratch / std::to_string(i)).string();
  }
  return all;
}

std::string compared(double predicted, double actual, double unit) {
  return fmt::format("{:9.3f} {:9.3f} {:+6.1f} %", predicted / unit, actual / unit,
                     100 * (predicted / actual - 1));
}

void run(Case each) {
  try {
    each.config.prediction = estimate(each.config, {.per_rule = false}, {}).prediction();
    RunControl control;
    train(each.config, control, {});
    const auto cost = read_record(each.config.output_dir).cost;
    if (!cost) return;
    fmt::print(
        "{:<26} step s {}   total s {}   peak MB {}   checkpoint MB {}\n", each.name,
        compared(cost->predicted_step_seconds, cost->step_seconds, 1),
        compared(cost->predicted_seconds, cost->seconds, 1),
        compared(double(cost->predicted_peak_bytes), double(cost->peak_bytes), 1e6),
        compared(double(cost->predicted_checkpoint_bytes), double(cost->checkpoint_bytes), 1e6));
    std::fflush(stdout);
  } catch (const Error& error) {
    fmt::print("{:<26} {}\n", each.name, error.what());
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path demo = argc > 1 ? argv[1] : "resources/demo";
  const std::int64_t steps = argc > 2 ? std::atoll(argv[2]) : 40;
  char scratch[] = "/tmp/estimate-benchmark-XXXXXX";
  if (mkdtemp(scratch) == nullptr) return 1;
  fmt::print("predicted, actual and error of each\n");
  std::fflush(stdout);
  for (const Case& each : cases(demo, scratch, steps)) {
    const pid_t child = fork();
    if (child == 0) {
      run(each);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
  }
  fs::remove_all(scratch);
  return 0;
}
