// SPDX-License-Identifier: GPL-3.0-or-later
// One training step at a time, on demand, plain or under a transform: compare_with_pytorch.py
// and compare_with_mase_triton.py alternate it with another implementation's.
//
//   training_step_benchmark [--bf16] MODEL_DIR TOKENS_FILE BATCH SEQUENCE THREADS [TRANSFORM_FILE]
//
// TOKENS_FILE holds int64 ids, BATCH x SEQUENCE of them. Answers each line of standard input by one
// line of JSON: "step": {"wall", "cpu", "loss"}, times in seconds; "head": {"wall", "cpu"} of head
// and loss alone, forward and backward; "memory": {"bytes"}, the peak above the loaded program.
#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/error.h"
#include "engine/training/chunked_cross_entropy.h"
#include "engine/training/model_setup.h"
#include "engine/training/trainer.h"
#include "engine/transform/transform_choice.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/ones_like.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
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

struct Duration {
  double wall = 0;
  double cpu = 0;  // processor time of all threads: what remains comparable on a busy machine
};

double cpu_clock() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <typename Work>
Duration duration_of(Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_begin = cpu_clock();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
          cpu_clock() - cpu_begin};
}

Duration head_duration(Llama& model, const at::Tensor& ids, const ForwardContext& context) {
  at::Tensor hidden;
  {
    const at::NoGradGuard no_grad;
    hidden = model.hidden_states(ids, context);
  }
  const at::Tensor labels = ids.slice(1, 1).reshape({-1});
  at::Tensor x = hidden.slice(1, 0, ids.size(1) - 1).reshape({-1, hidden.size(2)}).detach();
  x.set_requires_grad(true);
  zero_gradients(model.parameters());
  return duration_of([&] {
    chunked_cross_entropy(x, model.lm_head()->weight(), labels,
                          1.0 / static_cast<double>(labels.numel()), false)
        .loss.backward();
  });
}

/// Forward and backward pass of everything below the head.
Duration body_duration(Llama& model, const at::Tensor& ids, const ForwardContext& context) {
  zero_gradients(model.parameters());
  return duration_of([&] {
    const at::Tensor hidden = model.hidden_states(ids, context);
    hidden.backward(at::ones_like(hidden));
  });
}

}  // namespace

int main(int argc, char** argv) {
  ForwardContext context{.phase = Phase::train};
  if (argc > 1 && std::string(argv[1]) == "--bf16") {
    context.compute_dtype = at::kBFloat16;
    --argc;
    ++argv;
  }
  if (argc != 6 && argc != 7) {
    std::cerr << "usage: training_step_benchmark [--bf16] MODEL_DIR TOKENS_FILE BATCH SEQUENCE "
                 "THREADS [TRANSFORM_FILE]\n";
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
  if (argc == 7) {
    try {
      transform_model(model, choose_transform(argv[6], {}, config), {}, /*seed=*/42);
    } catch (const Error& error) {
      std::cerr << error.what() << "\n";
      return 2;
    }
  }
  AdamW optimizer(model.parameters(), {.weight_decay = 0.01});
  Trainer trainer(model, optimizer,
                  {.schedule = {.type = "constant", .peak = 1e-4},
                   .max_grad_norm = 1.0,
                   .compute_dtype = context.compute_dtype});
  std::vector<std::int64_t> tokens =
      read_tokens(argv[2], static_cast<std::size_t>(batch * sequence));
  const at::Tensor ids =
      at::from_blob(tokens.data(), {batch, sequence}, at::TensorOptions().dtype(at::kLong));

  for (std::string request; std::getline(std::cin, request);) {
    if (request == "step") {
      double loss = 0;
      const Duration taken = duration_of([&] { loss = trainer.step({ids}).loss.item<double>(); });
      std::printf("{\"wall\": %.9g, \"cpu\": %.9g, \"loss\": %.9g}\n", taken.wall, taken.cpu, loss);
    } else if (request == "head" || request == "body") {
      const Duration taken = request == "head" ? head_duration(model, ids, context)
                                               : body_duration(model, ids, context);
      std::printf("{\"wall\": %.9g, \"cpu\": %.9g}\n", taken.wall, taken.cpu);
    } else if (request == "memory") {
      std::printf("{\"bytes\": %lld}\n",
                  static_cast<long long>(status_bytes("VmHWM") - loaded_program));
    }
    std::fflush(stdout);
  }
}
