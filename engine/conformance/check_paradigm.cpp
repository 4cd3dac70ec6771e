// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/conformance/check_paradigm.h"

#include "engine/conformance/paradigm_conformance.h"
#include "engine/error.h"
#include "engine/scripted/scripted_paradigm.h"
#include "engine/scripted/scripted_search.h"

namespace engine {

std::vector<ConformanceResult> check_paradigm(const std::string& reference,
                                              const ProgressFunction& on_progress) {
  const ParadigmChoice choice = choose_paradigm(reference);
  std::vector<ConformanceResult> results;
  const auto cases = conformance_cases(choice.info, paradigm_of(choice));
  const std::vector<std::string> checks = conformance_checks();
  const auto total = static_cast<double>(cases.size() * checks.size());
  for (const ConformanceCase& subject : cases) {
    for (const std::string& check : checks) {
      if (on_progress && !on_progress("checking", static_cast<double>(results.size()), total))
        fail("cancelled", {}, "cancelled");
      results.push_back(check_conformance(subject, check));
    }
  }
  return results;
}

}  // namespace engine
