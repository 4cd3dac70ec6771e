// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"

#include <stdexcept>
#include <string>
#include <vector>

namespace engine {

/// The one exception the engine throws on purpose: it ends an operation. Carries what a user needs
/// to mend it. Lives in the shared library engine_model, so it can be caught by type across the
/// module border.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string message);
  explicit Error(Problem problem);
  /// Several at once; what() is one line each. At least one.
  explicit Error(std::vector<Problem> problems);
  ~Error() override;

  const std::vector<Problem>& problems() const { return problems_; }

 private:
  std::vector<Problem> problems_;
};

/// Shorthand for the common case: an error in `file`, with a remedy.
[[noreturn]] void fail(std::string id, Place place, std::string message, std::string remedy = "");

}  // namespace engine
