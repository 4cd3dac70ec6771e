// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/paradigm_file_watch.h"

#include "engine/digest.h"
#include "engine/runs/run_folder.h"
#include "engine/scripted/scripted_file.h"

#include <algorithm>
#include <utility>

namespace app {
namespace {

namespace fs = std::filesystem;

struct Look {
  std::vector<ParadigmFileWatch::File> files;
  bool has_changed = false;
};

/// Reads only what has another size or time than before; a file that cannot be read waits.
Look looked_at(std::vector<ParadigmFileWatch::File> files) {
  Look look;
  for (ParadigmFileWatch::File& file : files) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(file.path, error);
    const fs::file_time_type written =
        error ? fs::file_time_type{} : fs::last_write_time(file.path, error);
    if (error || (size == file.size && written == file.written)) continue;
    file.size = size;
    file.written = written;
    const std::string sha256 = engine::sha256_hex(engine::read_file(file.path));
    look.has_changed = look.has_changed || sha256 != file.sha256;
    file.sha256 = sha256;
  }
  look.files = std::move(files);
  return look;
}

}  // namespace

ParadigmFileWatch::ParadigmFileWatch(int interval_ms) {
  timer_.setInterval(interval_ms);
  connect(&timer_, &QTimer::timeout, this, &ParadigmFileWatch::look);
}

void ParadigmFileWatch::watch(const engine::TransformConfig& config) {
  job_.cancel();
  if (config.file != transform_file_) files_.clear();
  transform_file_ = config.file;
  for (const engine::ScriptedFilePtr& scripted : config.scripted) {
    const auto found = std::find_if(files_.begin(), files_.end(),
                                    [&](const File& file) { return file.path == scripted->path; });
    File& file = found == files_.end() ? files_.emplace_back() : *found;
    file.path = scripted->path;
    file.sha256 = scripted->sha256;
  }
  if (files_.empty()) {
    timer_.stop();
  } else {
    timer_.start();
  }
}

void ParadigmFileWatch::look() {
  if (job_.isRunning()) return;
  job_.start([files = files_] { return looked_at(files); },
             [this](JobResult<Look> result) {
               if (!result.value) return;
               files_ = std::move(result.value->files);
               if (result.value->has_changed) Q_EMIT changed();
             });
}

}  // namespace app
