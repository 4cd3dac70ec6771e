// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/comparable_run.h"

#include "engine/compare/foreign_run.h"
#include "engine/config/run_config.h"
#include "engine/data/tokenizer.h"
#include "engine/digest.h"
#include "engine/error.h"
#include "engine/model/clm_family.h"
#include "engine/model/llama_config.h"
#include "engine/model/model_flops.h"
#include "engine/runs/file_descriptor.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_identity.h"
#include "engine/scripted/scripted_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostText = 4u << 20;

std::string optional_text(const ParamValues& values, const char* name) {
  const ParamValue value = values.get(name);
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? "" : *text;
}

/// Where the files of the run's model may be: its own folder, its newest checkpoint, its beginning.
std::vector<fs::path> model_folders(const ComparableRun& run) {
  std::vector<fs::path> folders = {run.path};
  if (run.last_checkpoint) folders.push_back(run.path / run.last_checkpoint->path);
  for (const char* name : {"model_name_or_path", "config_name", "tokenizer_name"}) {
    fs::path found = path_in_run(optional_text(run.parameters, name), run.path);
    if (found.empty()) continue;
    folders.push_back(found.extension() == ".json" ? found.parent_path() : found);
  }
  return folders;
}

std::optional<LlamaConfig> find_model(ComparableRun& run) {
  std::error_code ignored;
  for (const fs::path& folder : model_folders(run)) {
    const fs::path file = folder / "config.json";
    if (!fs::is_regular_file(file, ignored)) continue;
    try {
      LlamaConfig config = read_llama_config(file);
      run.model.file = file;
      return config;
    } catch (const Error& error) {
      run.notes.push_back(error.what());
    }
  }
  for (const char* name : {"config_name", "model_name_or_path"}) {
    if (auto config = find_clm_config(optional_text(run.parameters, name))) return config;
  }
  return std::nullopt;
}

void find_tokenizer(ComparableRun& run) {
  std::error_code ignored;
  std::vector<fs::path> folders = model_folders(run);
  const fs::path named = path_in_run(optional_text(run.parameters, "tokenizer_name"), run.path);
  if (!named.empty()) folders.insert(folders.begin(), named);
  for (const fs::path& folder : folders) {
    const fs::path file = fs::is_directory(folder, ignored) ? folder / "tokenizer.json" : folder;
    if (file.filename() != "tokenizer.json" || !fs::is_regular_file(file, ignored)) continue;
    run.tokenizer = file;
    run.tokenizer_digest = sha256_hex(read_file(file));
    return;
  }
}

void describe_model(ComparableRun& run, const LlamaConfig& config) {
  run.model.is_known = true;
  run.model.config = std::make_shared<const LlamaConfig>(config);
  run.model.summary =
      fmt::format("{} layers, hidden {}, {} heads, vocabulary {}", config.num_hidden_layers,
                  config.hidden_size, config.num_attention_heads, config.vocab_size);
  run.model.architecture =
      fmt::format("{} {} {} {} {} {} {} {}", config.num_hidden_layers, config.hidden_size,
                  config.intermediate_size, config.num_attention_heads, config.num_key_value_heads,
                  config.head_dim, config.vocab_size, config.tie_word_embeddings);
  const ParamValue block = run.parameters.get("block_size");
  const auto* sequence = std::get_if<std::int64_t>(&block);
  run.model.train_flops_per_token = train_flops_per_token(
      config, sequence != nullptr ? *sequence : config.max_position_embeddings);
}

/// What the events say was transformed, when the model's sizes are nowhere to be found.
LayerInventory inventory_of(const std::vector<LayerTransformed>& transformed) {
  std::vector<LayerInfo> layers;
  for (const LayerTransformed& each : transformed) {
    LayerInfo info;
    info.name = each.layer;
    info.kind =
        each.kind == to_string(LayerKind::attention) ? LayerKind::attention : LayerKind::linear;
    layers.push_back(std::move(info));
  }
  return LayerInventory(std::move(layers));
}

void resolve_effect(ComparableRun& run, const LayerInventory& inventory) {
  for (const LayerInfo& layer : inventory.layers()) {
    if (layer.kind == LayerKind::linear || layer.kind == LayerKind::attention)
      run.effect.layers.push_back(layer.name);
  }
  run.effect.infos = paradigm_infos();
  const fs::path file = RunFolder{run.path}.transform_yaml();
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    run.is_effect_known = !run.started || run.started->transform_digest.empty();
    run.transform_label = run.is_effect_known ? "plain" : "?";
    if (!run.is_effect_known)
      run.notes.push_back(
          "transform.yaml is missing although the run was transformed: its effect is not known");
    return;
  }
  const auto read =
      std::make_shared<const ParsedTransform>(read_transform_config(file, run.effect.infos));
  const ParsedTransform& parsed = *read;
  run.transform = read;
  for (const auto& scripted : parsed.config.scripted) run.effect.infos.push_back(scripted->info);
  const std::string dtype = run.parameters.get_bool("bf16") ? "bf16" : "fp32";
  run.effect.plan = plan_transform(inventory, parsed.config, run.effect.infos, dtype);
  run.is_effect_known = !has_errors(parsed.problems);
  for (const Problem& problem : parsed.problems) {
    if (problem.severity == Severity::error) run.notes.push_back(to_string(problem));
  }
  const std::string written = optional_text(run.parameters, "transform_config");
  run.transform_label = written.empty() ? "transform" : fs::path(written).stem().string();
}

SimulatedWork work_of(const ComparableRun& run, const LayerInventory& inventory) {
  SimulatedWork work;
  const ParamValue block = run.parameters.get("block_size");
  const auto* given = std::get_if<std::int64_t>(&block);
  const double sequence = given != nullptr ? static_cast<double>(*given) : 0;
  for (const LayerInfo& layer : inventory.layers()) {
    if (run.effect.find(layer.name) == nullptr || layer.shape.size() < 2) continue;
    if (layer.kind == LayerKind::linear) {
      const auto out = static_cast<double>(layer.shape[0]);
      const auto in = static_cast<double>(layer.shape[1]);
      work.macs += in * out;
      work.input_conversions += in;
      work.output_conversions += out;
    } else if (layer.shape.size() == 3) {
      // Scores from q and k, then the values that the probabilities weigh.
      const auto heads = static_cast<double>(layer.shape[0]);
      const auto width = static_cast<double>(layer.shape[2]);
      work.macs += 2 * heads * width * sequence;
      work.input_conversions += heads * (width + sequence);
      work.output_conversions += heads * (sequence + width);
    }
  }
  return work;
}

/// run.yaml, the model and the transform: what does not change while a run goes on.
void read_configuration(ComparableRun& run, const std::vector<LayerTransformed>& transformed) {
  const fs::path file = RunFolder{run.path}.run_yaml();
  std::error_code ignored;
  if (fs::exists(file, ignored)) {
    try {
      std::vector<Problem> problems;
      const ParamValues given = parse_run_yaml(read_file(file), file.string(), problems);
      for (const Problem& problem : problems) run.notes.push_back(to_string(problem));
      run.parameters = values_of(run_config_from(given));
    } catch (const Error& error) {
      run.notes.push_back(error.what());
    }
  } else {
    run.notes.push_back("run.yaml is missing: its parameters are not known");
  }
  const std::optional<LlamaConfig> config = find_model(run);
  if (config) describe_model(run, *config);
  find_tokenizer(run);
  const LayerInventory inventory = config ? layer_inventory(*config) : inventory_of(transformed);
  resolve_effect(run, inventory);
  run.work = work_of(run, inventory);
}

void describe_parts(ComparableRun& run) {
  const auto& parts = run.metrics.parts();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i == 0 && parts[i].step > 0) {
      run.notes.push_back(fmt::format("branched at step {} from {}: what came before is not in it",
                                      parts[i].step, parts[i].resumed_from));
    } else if (i > 0) {
      run.notes.push_back(fmt::format("resumed at step {}", parts[i].step));
    }
  }
}

void take(ComparableRun& run, const RunUpdate& update, std::vector<LayerTransformed>& transformed) {
  run.metrics.apply(update);
  run.observed = {update.state, update.detail};
  if (update.status) run.max_steps = update.status->max_steps;
  for (const RunEvent& event : update.events) {
    if (const auto* start = std::get_if<RunStarted>(&event.body)) {
      if (!run.started) run.started_at = event.time;
      if (run.identity.empty()) run.identity = run_identity(run.path);
      run.started = *start;
      run.max_steps = start->max_steps;
      run.failure.clear();
      transformed.clear();
    } else if (const auto* layer = std::get_if<LayerTransformed>(&event.body)) {
      transformed.push_back(*layer);
    } else if (const auto* stats = std::get_if<LayerStats>(&event.body)) {
      run.layer_stats = *stats;
    } else if (const auto* saved = std::get_if<CheckpointSaved>(&event.body)) {
      run.last_checkpoint = *saved;
    } else if (const auto* failed = std::get_if<RunFailed>(&event.body)) {
      run.failure = failed->what;
    }
  }
}

}  // namespace

const char* to_string(RunSource source) {
  static constexpr std::array<const char*, 4> kNames = {"run", "trainer_state", "csv",
                                                        "tensorboard"};
  return kNames[static_cast<std::size_t>(source)];
}

fs::path path_in_run(const std::string& written, const fs::path& run_dir) {
  if (written.empty()) return {};
  std::error_code ignored;
  if (fs::exists(written, ignored)) return written;
  if (fs::path(written).is_absolute()) return {};
  fs::path above = fs::absolute(run_dir, ignored).parent_path();
  for (; above.has_relative_path(); above = above.parent_path()) {
    if (fs::exists(above / written, ignored)) return above / written;
  }
  return {};
}

std::int64_t ComparableRun::training_seed() const {
  const ParamValue value = parameters.get("seed");
  const auto* seed = std::get_if<std::int64_t>(&value);
  return seed == nullptr ? -1 : *seed;
}

double ComparableRun::last_step() const {
  double last = 0;
  for (const std::string& each : metrics.names())
    last = std::max(last, metrics.find(each)->step.back());
  return last;
}

double ComparableRun::duration() const {
  double seconds = std::numeric_limits<double>::quiet_NaN();
  for (const std::string& each : metrics.names())
    seconds = std::fmax(seconds, metrics.find(each)->seconds.back());
  return seconds;
}

bool ComparableRun::poll() {
  if (!reader) return false;
  const RunState before = observed.state;
  std::vector<LayerTransformed> ignored;
  bool is_new = false;
  RunUpdate update;
  do {
    update = reader->poll();
    is_new = is_new || !update.events.empty() || update.restarted || update.state != before;
    take(*this, update, ignored);
  } while (update.more);
  return is_new;
}

ComparableRun load_run(const fs::path& run_dir) {
  const auto found = find_runs(run_dir);
  if (found.size() != 1 || found.front() != run_dir)
    fail("no-run", {.file = run_dir.string()},
         "this folder holds no run (no events.jsonl, status.json or run.yaml)",
         "See paradigm runs list");
  ComparableRun run;
  run.path = run_dir;
  run.name = (run_dir.has_filename() ? run_dir : run_dir.parent_path()).filename().string();
  run.reader = std::make_shared<RunReader>(run_dir);
  std::vector<LayerTransformed> transformed;
  RunUpdate update;
  do {
    update = run.reader->poll();
    take(run, update, transformed);
  } while (update.more);
  if (run.reader->skipped_lines() > 0)
    run.notes.push_back(fmt::format("{} lines of events.jsonl could not be read and were skipped",
                                    run.reader->skipped_lines()));
  read_configuration(run, transformed);
  describe_parts(run);
  return run;
}

std::string lasting_key(const ComparableRun& run) {
  if (!run.identity.empty()) return run.identity;
  std::error_code ignored;
  return sha256_hex(fs::absolute(run.path, ignored).string());
}

ComparableRun load_any_run(const fs::path& path) {
  if (auto foreign = load_foreign_run(path)) return std::move(*foreign);
  return load_run(path);
}

void add_bits_per_byte(ComparableRun& run, std::optional<double> bytes) {
  run.is_asked_for_bits = true;
  if (bytes)
    run.metrics.add_scaled("eval_bits_per_byte", "eval_loss", 1 / std::numbers::ln2 / *bytes);
}

std::optional<double> bytes_per_token(const ComparableRun& run) {
  const fs::path file = path_in_run(optional_text(run.parameters, "validation_file"), run.path);
  if (run.tokenizer.empty() || file.empty()) return std::nullopt;
  const std::string extension = file.extension().string();
  if (extension != ".txt" && !extension.empty()) return std::nullopt;
  try {
    const FileDescriptor descriptor = open_regular_file(file.c_str());
    std::string text = descriptor ? read_at(descriptor, 0, kMostText) : "";
    if (text.size() == kMostText) text.resize(text.rfind('\n') + 1);  // whole lines only
    if (text.empty()) return std::nullopt;
    const auto ids = Tokenizer::load(run.tokenizer).encode(text, false);
    if (ids.empty()) return std::nullopt;
    return static_cast<double>(text.size()) / static_cast<double>(ids.size());
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace engine
