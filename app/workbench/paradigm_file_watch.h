// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workbench/background_job.h"
#include "engine/config/transform_config.h"

#include <QObject>
#include <QTimer>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace app {

/// Tells when a TorchScript file of the open transform has another content. It looks once a second,
/// on a pool thread: notifications of the file system are blind to other hosts.
class ParadigmFileWatch : public QObject {
  Q_OBJECT

 public:
  struct File {
    std::filesystem::path path;
    std::string sha256;
    std::uintmax_t size = 0;
    std::filesystem::file_time_type written{};
  };

  explicit ParadigmFileWatch(int interval_ms = 1000);

  /// From now on the files of this one. A file that the same transform named before and that cannot
  /// be read at the moment stays watched: it may be half written.
  void watch(const engine::TransformConfig& config);

 Q_SIGNALS:
  void changed();

 private:
  void look();

  QTimer timer_;
  BackgroundJob job_;
  std::string transform_file_;
  std::vector<File> files_;
};

}  // namespace app
