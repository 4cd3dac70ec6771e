// SPDX-License-Identifier: GPL-3.0-or-later
// How far estimates are from what came of them: five runs on the CPU, or three on a GPU, each
// estimated and then trained in a process of its own.
//
//   estimate_benchmark [DEMO_FOLDER] [STEPS] [cuda | PART_OF_A_NAME]
//                                                        (in the checkout: resources/demo, 40)
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
#include <fstream>
#include <iterator>
#include <string>
#include <type_traits>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace engine;

struct Case {
  std::string name;
  RunConfig config;
  std::int64_t memory_limit = 0;  ///< and a micro-batch is looked for that fits
};

/// The demo's text often enough for large batches.
std::string long_text(const fs::path& demo, const fs::path& scratch) {
  std::ifstream in(demo / "notes_train.txt");
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const fs::path file = scratch / "text.txt";
  std::ofstream out(file);
  for (std::size_t written = 0; written < (8 << 20); written += text.size()) out << text;
  return file.string();
}

std::vector<Case> gpu_cases(const fs::path& demo, const fs::path& scratch, std::int64_t steps) {
  RunConfig plain;
  plain.tokenizer_name = (demo / "checkpoint").string();
  plain.config_name = "clm-60m";
  plain.train_file = long_text(demo, scratch);
  plain.transform_config = "none";
  plain.do_train = true;
  plain.bf16 = true;
  plain.block_size = 512;  // the demo tokenizer's longest
  plain.per_device_train_batch_size = 24;
  plain.max_steps = steps;
  plain.save_steps = steps / 2;
  plain.device = "cuda";
  RunConfig optical = plain;
  optical.transform_config = "configs/transforms/optical_transformer.yaml";
  optical.gradient_accumulation_steps = 2;
  RunConfig limited = plain;
  limited.transform_config = "configs/transforms/random_bitflip.yaml";
  limited.per_device_train_batch_size = 96;
  return {{"60M plain, 24 x 512", plain},
          {"60M optical, 2 x 24 x 512", optical},
          {"60M bitflip, 96 x 512 in 8 GB", limited, std::int64_t{8} << 30}};
}

std::vector<Case> cpu_cases(const fs::path& demo, std::int64_t steps) {
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
  return all;
}

std::string compared(double predicted, double actual, double unit) {
  return fmt::format("{:9.3f} {:9.3f} {:+6.1f} %", predicted / unit, actual / unit,
                     100 * (predicted / actual - 1));
}

/// What a process hands to the next one.
struct Estimated {
  CostPrediction prediction;
  std::int64_t batch_size = 0, accumulation = 0;  ///< 0: nothing was estimated
};

Estimated estimated(const Case& each) {
  try {
    const CostEstimate cost = estimate(
        each.config,
        {.per_rule = false, .memory_limit = each.memory_limit, .fit = each.memory_limit > 0}, {});
    return {cost.prediction(), cost.batch_size, cost.accumulation};
  } catch (const Error& error) {
    fmt::print("{:<38} {}\n", each.name, error.what());
    std::fflush(stdout);
    return {};
  }
}

void train_and_compare(Case each, const Estimated& before) {
  each.config.prediction = before.prediction;
  each.config.per_device_train_batch_size = before.batch_size;
  each.config.gradient_accumulation_steps = before.accumulation;
  if (each.memory_limit > 0) {
    each.name += fmt::format(": {} x {}", before.accumulation, before.batch_size);
  }
  try {
    RunControl control;
    train(each.config, control, {});
    const auto cost = read_record(each.config.output_dir).cost;
    if (!cost) return;
    fmt::print(
        "{:<38} step s {}   total s {}   peak MB {}   checkpoint MB {}\n", each.name,
        compared(cost->predicted_step_seconds, cost->step_seconds, 1),
        compared(cost->predicted_seconds, cost->seconds, 1),
        compared(double(cost->predicted_peak_bytes), double(cost->peak_bytes), 1e6),
        compared(double(cost->predicted_checkpoint_bytes), double(cost->checkpoint_bytes), 1e6));
  } catch (const Error& error) {
    fmt::print("{:<38} {}\n", each.name, error.what());
  }
  std::fflush(stdout);
}

/// work() in a process of its own, which starts with nothing loaded.
template <typename Work>
void in_a_process(const Work& work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

void run(const Case& each) {
  static_assert(std::is_trivially_copyable_v<Estimated>);
  int ends[2];
  if (pipe(ends) != 0) return;
  in_a_process([&] {
    const Estimated cost = estimated(each);
    [[maybe_unused]] const auto written = write(ends[1], &cost, sizeof cost);
  });
  Estimated cost;
  const bool is_there = read(ends[0], &cost, sizeof cost) == sizeof cost && cost.batch_size > 0;
  close(ends[0]);
  close(ends[1]);
  if (is_there) in_a_process([&] { train_and_compare(each, cost); });
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path demo = argc > 1 ? argv[1] : "resources/demo";
  const std::int64_t steps = argc > 2 ? std::atoll(argv[2]) : 40;
  char scratch[] = "/tmp/estimate-benchmark-XXXXXX";
  if (mkdtemp(scratch) == nullptr) return 1;
  fmt::print("predicted, actual and error of each\n");
  std::fflush(stdout);
  const std::string which = argc > 3 ? argv[3] : "";
  const bool on_gpu = which == "cuda";
  std::vector<Case> all = on_gpu ? gpu_cases(demo, scratch, steps) : cpu_cases(demo, steps);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].config.output_dir = (fs::path(scratch) / std::to_string(i)).string();
  }
  for (const Case& each : all) {
    if (on_gpu || each.name.find(which) != std::string::npos) run(each);
  }
  fs::remove_all(scratch);
  return 0;
}
