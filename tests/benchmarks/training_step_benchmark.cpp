// SPDX-License-Identifier: GPL-3.0-or-later
// One plain fp32 training step at a time, on demand: compare_with_pytorch.py alternates it with
// PyTorch's.
//
//   training_step_benchmark MODEL_DIR TOKENS_FILE BATCH SEQUENCE THREADS
//
// TOKENS_FILE holds int64 ids, BATCH x SEQUENCE of them. Answers each line of standard input by one
// line of JSON: "step": {"seconds", "loss"}; "head": {"seconds"} of head and loss alone, forward
// and backward; "memory": {"bytes"}, the peak above the loaded program.
#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/training/chunked_cross_entropy.h"
#include "engine/training/trainer.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace engine;

/// A field of /proc/self/status in bytes.
std::int64_t status_bytes(const std::string& field) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) return std::atoll(line.c_str() + field.size() + 1) * 1024;
  }
  return 0;
}

std::vector<std::int64_t> read_tokens(const std::string& file, std::size_t count) {
  std::vector<std::int64_t> tokens(count);
  std::ifstream stream(file, std::ios::binary);
  stream.read(reinterpret_cast<char*>(tokens.data()), static_cast<std::streamsize>(8 * count));
  if (!stream) {
    std::cerr << "cannot read " << count << " ids from " << file << "\n";
    std::exit(2);
  }
  return tokens;
}

template <typename Work>
double seconds_of(Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double head_seconds(Llama& model, const at::Tensor& ids) {
  at::Tensor hidden;
  {
    const at::NoGradGuard no_grad;
    hidden = model.hidden_states(ids, {.phase = Phase::train});
  }
  const at::Tensor labels = ids.slice(1, 1).reshape({-1});
  at::Tensor x = hidden.slice(1, 0, ids.size(1) - 1).reshape({-1, hidden.size(2)}).detach();
  x.set_requires_grad(true);
  zero_gradients(model.parameters());
  return seconds_of([&] {
    chunked_cross_entropy(x, model.lm_head()->weight(), labels,
                          1.0 / static_cast<double>(labels.numel()), false)
        .loss.backward();
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: training_step_benchmark MODEL_DIR TOKENS_FILE BATCH SEQUENCE THREADS\n";
    return 2;
  }
  const std::string folder = argv[1];
  const std::int64_t batch = std::atoll(argv[3]);
  const std::int64_t sequence = std::atoll(argv[4]);
  at::set_num_threads(std::atoi(argv[5]));
  const std::int64_t loaded_program = status_bytes("VmRSS");

  const LlamaConfig config = read_llama_config(folder + "/config.json");
  std::vector<std::string> notes;
  Llama model(config, load_weights(folder, config, at::kCPU, notes));
  AdamW optimizer(model.parameters(), {.weight_decay = 0.01});
  Trainer trainer(model, optimizer,
                  {.schedule = {.type = "constant", .peak = 1e-4}, .max_grad_norm = 1.0});
  std::vector<std::int64_t> tokens =
      read_tokens(argv[2], static_cast<std::size_t>(batch * sequence));
  const at::Tensor ids =
      at::from_blob(tokens.data(), {batch, sequence}, at::TensorOptions().dtype(at::kLong));

  for (std::string request; std::getline(std::cin, request);) {
    if (request == "step") {
      double loss = 0;
      const double seconds = seconds_of([&] { loss = trainer.step({ids}).loss.item<double>(); });
      std::printf("{\"seconds\": %.9g, \"loss\": %.9g}\n", seconds, loss);
    } else if (request == "head") {
      std::printf("{\"seconds\": %.9g}\n", head_seconds(model, ids));
    } else if (request == "memory") {
      std::printf("{\"bytes\": %lld}\n",
                  static_cast<long long>(status_bytes("VmHWM") - loaded_program));
    }
    std::fflush(stdout);
  }
}
