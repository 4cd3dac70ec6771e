// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/run_config.h"
#include "tests/support/tiny_model.h"

#include <cstddef>

namespace tests {

/// What an evaluation works on: a tiny checkpoint, validation.txt and train.txt of so many bytes.
class TinySubject : public TinyModel {
 protected:
  TinySubject(std::size_t validation_bytes, std::size_t train_bytes) {
    folder_.write("validation.txt", tiny_text(validation_bytes));
    folder_.write("train.txt", tiny_text(train_bytes, 3));
  }

  engine::EvalConfig eval_config() const {
    engine::EvalConfig config;
    config.model_name_or_path = (folder_ / "model").string();
    config.validation_file = (folder_ / "validation.txt").string();
    config.train_file = (folder_ / "train.txt").string();
    config.block_size = 16;
    config.device = "cpu";
    config.calibrate_batches = 2;
    return config;
  }
};

}  // namespace tests
