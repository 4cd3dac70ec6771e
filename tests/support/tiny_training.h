// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/run_config.h"
#include "tests/support/tiny_model.h"

#include <cstddef>
#include <string>

namespace tests {

/// What a training works on: a tiny checkpoint and text.txt of so many bytes.
class TinyTraining : public TinyModel {
 protected:
  explicit TinyTraining(std::size_t text_bytes, const TinyLlama& model = {}) : TinyModel(model) {
    folder_.write("text.txt", tiny_text(text_bytes));
  }

  /// Steps of 4 rows of 16 tokens on the CPU, into the folder `run`.
  engine::RunConfig training(const std::string& run) const {
    engine::RunConfig config;
    config.model_name_or_path = (folder_ / "model").string();
    config.train_file = (folder_ / "text.txt").string();
    config.output_dir = (folder_ / run).string();
    config.do_train = true;
    config.block_size = 16;
    config.per_device_train_batch_size = 4;
    config.device = "cpu";
    return config;
  }
};

}  // namespace tests
