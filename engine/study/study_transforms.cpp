// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/study/study_transforms.h"

#include "engine/digest.h"
#include "engine/error.h"
#include "engine/transform/frozen_transform.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// Two files of one name get folders of their own. A path counts as it is written, so that a study
/// may be moved with what it names.
fs::path copy_of(const Study& study, const std::string& file) {
  const fs::path path = fs::path(file).lexically_normal();
  const std::string folder =
      fmt::format("{}-{}", path.stem().string(), sha256_hex(path.string()).substr(0, 8));
  return fs::path(study.output) / "transforms" / folder / path.filename();
}

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::is_regular_file(file, ignored);
}

}  // namespace

std::string transform_in_effect(const Study& study, const std::string& file) {
  const fs::path copy = copy_of(study, file);
  return is_there(copy) ? copy.string() : file;
}

void freeze_study_transform(const Study& study, const std::string& file) {
  const fs::path copy = copy_of(study, file);
  if (is_there(copy)) return;
  const fs::path folder = copy.parent_path();
  const fs::path made = folder.parent_path() / fmt::format(".{}.{}", folder.filename().string(),
                                                           static_cast<long>(getpid()));
  copy_transform(file, made);
  // Complete or not there; of two that begin at once the first one's stays.
  std::error_code error;
  fs::rename(made, folder, error);
  std::error_code ignored;
  if (error) fs::remove_all(made, ignored);
  if (!is_there(copy)) {
    fail("cannot-write", {.file = copy.string()},
         "the study's copy of " + file + " cannot be made: " + error.message(),
         "Remove what is in that folder, or choose another output_dir");
  }
}

std::optional<Problem> study_transform_changed(const Study& study, const std::string& file) {
  const fs::path copy = copy_of(study, file);
  if (!is_there(copy) || is_same_transform(file, copy)) return std::nullopt;
  Problem problem;
  problem.id = "transform-changed-since";
  problem.severity = Severity::warning;
  problem.place.file = file;
  problem.message =
      fmt::format("it {} since the study was first run, which goes on with it as it was",
                  is_there(file) ? "has changed" : "is gone");
  problem.remedy = fmt::format(
      "That text is kept in {}. For another one, give the study another output_dir", copy.string());
  return problem;
}

}  // namespace engine
